"""A source of diffs made of texts, which records what is kept and sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from codextui.console.model.diff_comments import Comment, finished, review_message
from codextui.console.model.diff_document import Section
from codextui.console.model.diff_scope import Comparison, Scope, ScopeKind
from codextui.protocol.diff import parse_diff

TURN = Scope(ScopeKind.TURN, "t-backend")


@dataclass
class TextDiffs:
    """Diffs of one thread.

    Attributes:
        diffs: what each scope compares; the first is shown first.
        kept: the comments of each thread.
        sent: every review.
    """

    title: str
    diff: str
    others: dict[str, str] = field(default_factory=dict)
    scope: Scope = TURN
    kept: dict[str, tuple[Comment, ...]] = field(default_factory=dict)
    sent: list[tuple[str, str]] = field(default_factory=list)
    problem: str = ""
    folder: str = ""

    def compare(self) -> Comparison:
        if self.scope.other in self.others:
            title, diff = self.scope.other, self.others[self.scope.other]
        else:
            title, diff = self.title, self.diff
        sections = (Section("", "t-backend", parse_diff(diff)),) if diff else ()
        return Comparison(title, sections)

    def list_scopes(self) -> list[tuple[Scope, str]]:
        others = [Scope(ScopeKind.TURN, "t-backend", other) for other in self.others]
        return [(TURN, self.title), *((scope, scope.other) for scope in others)]

    def is_on_disk(self) -> bool:
        return False

    def needs_reading(self) -> bool:
        return False

    async def read(self) -> None:
        raise AssertionError("there is nothing to read")

    def describe_reading(self) -> str:
        return ""

    def folder_of(self, thread_id: str) -> str:
        return self.folder

    def comments_of(self, thread_id: str) -> tuple[Comment, ...]:
        return self.kept.get(thread_id, ())

    def save_comments(self, thread_id: str, comments: Sequence[Comment]) -> str:
        self.kept[thread_id] = tuple(comments)
        return ""

    def describe_send(self, thread_id: str) -> str:
        return "reply to backend: starts its next turn"

    def send(self, thread_id: str) -> str:
        comments = finished(self.kept.get(thread_id, ()))
        if self.problem or not comments:
            return self.problem or "There is no finished comment to send."
        self.sent.append((thread_id, review_message(comments)))
        return ""
