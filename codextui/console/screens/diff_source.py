"""Where the diff view gets its diffs from, and where comments on them are kept and sent."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from codextui.console.drafts import MAX_DRAFT_LENGTH, Drafts
from codextui.console.model.diff_comments import (
    MAX_COMMENTS,
    Comment,
    dump_comments,
    finished,
    load_all,
    review_message,
)
from codextui.console.model.diff_scope import (
    Comparison,
    Scope,
    ScopeKind,
    compare,
    list_scopes,
    tree_requests,
)
from codextui.console.model.state import ConsoleState
from codextui.console.model.working_tree import TreeRequest, WorkingTree
from codextui.console.screens import messages
from codextui.console.screens.availability import Action, unavailable_reason
from codextui.errors import CodextuiError
from codextui.protocol.diff import Diff, parse_diff
from codextui.text.figures import format_running
from codextui.text.sanitize import one_line

MAX_PARSED: Final = 64
"""Parsed diffs that are kept while the view is open."""


class DiffSource(Protocol):
    """What the diff view asks for."""

    scope: Scope

    def compare(self) -> Comparison:
        """Return the diffs of the scope as they are now."""

    def list_scopes(self) -> list[tuple[Scope, str]]:
        """Return what else can be compared, each with a description."""

    def is_on_disk(self) -> bool:
        """Return whether the scope does not follow by itself, but is read from the disk."""

    def needs_reading(self) -> bool:
        """Return whether the scope has to be read before it can be shown."""

    async def read(self) -> None:
        """Read the scope again."""

    def describe_reading(self) -> str:
        """Return when the scope was read, and whether that is out of date; empty if it follows."""

    def folder_of(self, thread_id: str) -> str:
        """Return the folder of a thread; empty where it is not known."""

    def comments_of(self, thread_id: str) -> tuple[Comment, ...]:
        """Return the comments on the changes of a thread."""

    def save_comments(self, thread_id: str, comments: Sequence[Comment]) -> str:
        """Keep the comments of a thread; return why that is impossible, empty if it is done."""

    def describe_send(self, thread_id: str) -> str:
        """Return what sending a review to a thread does now."""

    def send(self, thread_id: str) -> str:
        """Send the finished comments of a thread; return why not, empty if they are on the way."""


class ThreadDiffs:
    """The diffs of the console's threads, with comments in the drafts.

    Attributes:
        scope: what is compared.
    """

    def __init__(
        self,
        state: ConsoleState,
        drafts: Drafts,
        thread_id: str,
        scope: Scope,
        *,
        post: Callable[[messages.ServerRequest], object],
        describe: Callable[[ConsoleState, str], str],
        read_tree: Callable[[TreeRequest], Awaitable[WorkingTree]],
        now: Callable[[], float],
    ) -> None:
        """Compare `scope`.

        Args:
            state: the console's.
            drafts: where comments are kept.
            thread_id: the thread, role or run whose scopes can be chosen.
            scope: what is compared first.
            post: sends a request to the server.
            describe: describes what sending to a thread does now.
            read_tree: asks the server what differs on the disk. Raises CodextuiError.
            now: returns unix seconds.
        """
        self.scope = scope
        self._state = state
        self._thread_id = thread_id
        self._drafts = drafts
        self._post = post
        self._describe = describe
        self._read_tree = read_tree
        self._now = now
        self._trees: dict[TreeRequest, WorkingTree] = {}
        self._read_at: dict[TreeRequest, tuple[float, int]] = {}
        self._parsed: OrderedDict[str, Diff] = OrderedDict()
        self._sending: dict[str, messages.SendReview] = {}

    def compare(self) -> Comparison:
        """Return the diffs of the scope as they are now."""
        return compare(self._state, self.scope, self._parse, self._trees)

    def list_scopes(self) -> list[tuple[Scope, str]]:
        """Return what else can be compared, each with a description."""
        return list_scopes(self._state, self._thread_id)

    def is_on_disk(self) -> bool:
        """Return whether the scope does not follow by itself, but is read from the disk."""
        return self.scope.kind is ScopeKind.WORKING_TREE

    def needs_reading(self) -> bool:
        """Return whether the scope has to be read before it can be shown."""
        return any(request not in self._trees for request in self._requests)

    async def read(self) -> None:
        """Read the scope again."""
        for request in self._requests:
            version = self._version_of(request)
            try:
                tree = await self._read_tree(request)
            except CodextuiError as error:
                tree = WorkingTree(problem=f"It could not be read: {one_line(str(error))}")
            self._trees[request] = tree
            self._read_at[request] = self._now(), version

    def describe_reading(self) -> str:
        """Return when the scope was read, and whether that is out of date; empty if it follows."""
        requests = self._requests
        if not requests:
            return ""
        if self.needs_reading():
            return "reading the folder…"
        age = format_running(self._now() - min(self._read_at[one][0] for one in requests))
        is_old = any(self._version_of(one) != self._read_at[one][1] for one in requests)
        return f"read {age} ago" + (", worked on since: r reads again" if is_old else "")

    @property
    def _requests(self) -> list[TreeRequest]:
        return tree_requests(self._state, self.scope)

    def _version_of(self, request: TreeRequest) -> int:
        """Return a number that changes with what the request's thread does."""
        view = self._state.threads.get(request.thread_id)
        return -1 if view is None else view.transcript.version

    def folder_of(self, thread_id: str) -> str:
        """Return the folder of a thread; empty where it is not known."""
        view = self._state.threads.get(thread_id)
        return "" if view is None else view.info.cwd

    def comments_of(self, thread_id: str) -> tuple[Comment, ...]:
        """Return the comments on the changes of a thread."""
        return load_all(self._drafts.comments, thread_id)

    def save_comments(self, thread_id: str, comments: Sequence[Comment]) -> str:
        """Keep the comments of a thread; return why that is impossible, empty if it is done."""
        if len(comments) > MAX_COMMENTS:
            return f"A thread can have {MAX_COMMENTS} comments: R sends those that are there."
        stored = dump_comments(comments)
        if len(stored) > MAX_DRAFT_LENGTH:
            return "The comments are too long to be kept: R sends those that are there."
        if comments:
            self._drafts.comments[thread_id] = stored
        else:
            self._drafts.comments.pop(thread_id, None)
        return ""

    def describe_send(self, thread_id: str) -> str:
        """Return what sending a review to a thread does now."""
        return self._describe(self._state, thread_id)

    def send(self, thread_id: str) -> str:
        """Send the finished comments of a thread; return why not, empty if they are on the way."""
        comments = finished(self.comments_of(thread_id))
        if not comments:
            return "There is no finished comment to send: c on a line writes one."
        if reason := unavailable_reason(Action.SEND, self._state, thread_id):
            return reason
        request = self._sending.get(thread_id)
        if request is not None and not request.is_over:
            return "The review is on its way."

        def forget() -> None:
            left = [one for one in self.comments_of(thread_id) if one not in comments]
            self.save_comments(thread_id, left)

        request = messages.SendReview(thread_id, review_message(comments), forget)
        self._sending[thread_id] = request
        self._post(request)
        return ""

    def _parse(self, text: str) -> Diff:
        parsed = self._parsed.get(text)
        if parsed is None:
            parsed = self._parsed[text] = parse_diff(text)
            while len(self._parsed) > MAX_PARSED:
                self._parsed.popitem(last=False)
        return parsed
