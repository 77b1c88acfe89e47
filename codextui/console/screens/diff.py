"""The screen that shows diffs, and takes comments on their lines."""

from __future__ import annotations

import time
from functools import partial
from typing import ClassVar, Final

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from codextui.console.model.diff_comments import (
    MAX_COMMENT_LENGTH,
    Comment,
    comment_on,
    describe_comment,
    finished,
    with_comment,
)
from codextui.console.model.diff_scope import Comparison
from codextui.console.render.diff_entries import MIN_SPLIT_WIDTH
from codextui.console.screens.diff_source import DiffSource
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.diff_files import DiffFiles
from codextui.console.widgets.diff_view import DiffView
from codextui.protocol.diff import sum_counts
from codextui.text.figures import format_count
from codextui.text.sanitize import one_line

UPDATE_INTERVAL: Final = 0.5
"""Seconds between updates."""

MAX_UPDATING: Final = 20
"""Times that an update took which have to pass before the next one."""

MIN_FILES_WIDTH: Final = 90
"""Cells of the screen below which the list of files is not shown."""

NOTHING = "No file was changed. s compares something else: a turn, the thread, its folder."

_Lost = tuple[str, Comment]


class DiffScreen(ModalScreen[None]):
    """Shows what a turn, a thread, a run or forks have changed, and follows it."""

    CSS_PATH: ClassVar = ["dialog.tcss", "diff.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,d,q", "close", "Close", id="diff.close"),
        Binding("v", "toggle_sides", "Side by side, or unified", id="diff.sides"),
        Binding("w", "toggle_blanks", "Show every blank, or not", id="diff.blanks"),
        Binding("f", "toggle_files", "Show or hide the files", id="diff.files"),
        Binding("s", "choose_scope", "Choose what is compared", id="diff.scope"),
        Binding("r", "read_again", "Read the folder on the disk again", id="diff.read_again"),
        Binding("c", "comment", "Comment on the line", id="diff.comment"),
        Binding("x,delete", "remove_comment", "Remove the comment", id="diff.remove_comment"),
        Binding("u", "restore_comment", "Restore the removed comment", id="diff.restore_comment"),
        Binding("L", "list_comments", "List the comments", id="diff.list_comments"),
        Binding("R", "send_review", "Send the comments as one review", id="diff.send_review"),
    ]

    def __init__(self, source: DiffSource) -> None:
        """Show the diffs of a source."""
        super().__init__()
        self._source = source
        self._comparison = Comparison("", ())
        self._has_shown = False
        self._removed: list[_Lost] = []
        self._said = ""
        self._hides_files = False
        self._is_reading = False
        self._comments: list[tuple[Comment, ...]] = []
        self._updated_at = self._updating_time = 0.0
        self._view = DiffView(id="body")
        self._files = DiffFiles()

    def compose(self) -> ComposeResult:
        """Yield the title, the files, the diff, and the place in it."""
        with Vertical(classes="dialog"):
            yield Static(id="title", classes="dialog-title", markup=False)
            with Horizontal():
                yield self._files
                yield self._view
                yield Static(NOTHING, id="nothing", markup=False)
            yield Static(id="position", markup=False)
            yield Static(id="review", markup=False)
            yield DialogKeys(id="keys")

    def on_mount(self) -> None:
        """Show the diffs, and follow them."""
        self._update(keeps_place=False)
        self._view.focus()
        self.set_interval(UPDATE_INTERVAL, self._update_if_rested)
        self._read_if_needed()

    def on_resize(self) -> None:
        """Hide the files where there is no room for them."""
        self._show_files()
        self._show_keys()

    # What is shown.

    def _update_if_rested(self) -> None:
        """Update, the more seldom the longer that takes."""
        if time.monotonic() - self._updated_at > MAX_UPDATING * self._updating_time:
            self._update()

    def _update(self, *, keeps_place: bool = True) -> None:
        """Show what has changed since the last time."""
        started = time.monotonic()
        comparison = self._source.compare()
        was = self._comparison, self._comments
        self._comparison = comparison
        self._comments = [self._source.comments_of(thread_id) for thread_id in self._threads()]
        is_new = (self._comparison, self._comments) != was
        if is_new or not self._has_shown or not keeps_place:
            self._has_shown = True
            self._show_document(keeps_place=keeps_place)
        self._updated_at = time.monotonic()
        self._updating_time = self._updated_at - started
        self.query_one("#nothing", Static).update(self._source.describe_reading() or NOTHING)
        self._show_position()
        self._show_keys()

    def _read_if_needed(self) -> None:
        """Read what is on the disk, unless it was."""
        if self._source.needs_reading():
            self.run_worker(self._read(), group="reading", exclusive=True)

    async def _read(self) -> None:
        await self._source.read()
        self._is_reading = False
        self._update()

    def _show_document(self, *, keeps_place: bool = True) -> None:
        view, sections = self._view, self._comparison.sections
        view.show(sections, self._source.comments_of, keeps_place=keeps_place)
        self.set_class(not view.document.entries, "-empty")
        files = [shown.file for shown in view.document.files]
        added, removed = sum_counts(files)
        count = "1 file" if len(files) == 1 else f"{format_count(len(files))} files"
        counts = f"{count}, +{format_count(added)} -{format_count(removed)}" if files else "nothing"
        title = f"{one_line(self._comparison.title, 200)}   {counts}"
        self.query_one("#title", Static).update(title)
        self._show_files()

    def _show_files(self) -> None:
        has_room = self.size.width >= MIN_FILES_WIDTH
        has_files = bool(self._view.document.files)
        self._files.display = has_room and has_files and not self._hides_files

    @on(DiffView.Moved)
    def _show_place(self) -> None:
        view = self._view
        self._files.show(view.document, view.file_number)
        self._show_position()
        self._show_keys()

    def _show_position(self) -> None:
        self.query_one("#position", Static).update(self._describe_position())

    def _describe_position(self) -> str:
        view, document = self._view, self._view.document
        reading = self._source.describe_reading()
        parts: list[str] = ["reading again…" if self._is_reading else reading] if reading else []
        if document.files:
            parts.append(f"file {view.file_number + 1} of {format_count(len(document.files))}")
        if document.hunk_starts:
            hunks = format_count(len(document.hunk_starts))
            parts.append(f"hunk {view.hunk_number + 1} of {hunks}")
        if view.is_split:
            parts.append(f"side by side, {'old' if view.is_left else 'new'} side")
        elif view.wants_sides:
            parts.append(f"unified: side by side needs {MIN_SPLIT_WIDTH} columns here")
        else:
            parts.append("unified")
        parts.extend(["every blank shown"] if view.shows_blanks else [])
        return "   ".join(parts)

    def _show_keys(self) -> None:
        """Show the keys, or what was just said; with comments, what sending them does."""
        self.query_one("#keys", Static).update(self._said or self._describe_keys())
        review = self._describe_review()
        line = self.query_one("#review", Static)
        line.display = bool(review)
        line.update(review)

    def _describe_keys(self) -> str:
        """Return the keys that fit, the first ones in a narrow terminal."""
        again = ["r read again"] if self._source.is_on_disk() else []
        has_lines = bool(self._view.document.files)
        keys = ["[ ] hunk", "J K file", "c comment", "v sides", "w blanks"] if has_lines else []
        keys = ["esc close", "s compare", *again, *keys]
        while len(keys) > 1 and len("  ".join(keys)) > self.size.width - 4:
            keys.pop()
        return "  ".join([*keys[1:], keys[0]])

    def _describe_review(self) -> str:
        lines: list[str] = []
        for thread_id, comments in zip(self._threads(), self._comments, strict=False):
            ready = len(finished(comments))
            drafts = len(comments) - ready
            if ready:
                what = "a comment" if ready == 1 else f"{ready} comments"
                lines.append(f"R sends {what} · {self._source.describe_send(thread_id)}")
            if drafts:
                lines.append(f"{drafts} not finished: c on the line goes on, L lists them")
        return "\n".join(lines[:4])

    def _threads(self) -> list[str]:
        """Return the threads whose changes are shown."""
        threads = dict.fromkeys(section.thread_id for section in self._comparison.sections)
        return [thread_id for thread_id in threads if thread_id]

    def _say(self, words: str) -> None:
        """Show words in place of the keys, until the next key."""
        self._said = one_line(words)
        self._show_keys()

    def on_key(self) -> None:
        """Show the keys again."""
        if self._said:
            self._said = ""
            self._show_keys()

    @on(DiffFiles.Chosen)
    def _go_to_file(self, message: DiffFiles.Chosen) -> None:
        self._view.move_to(self._view.document.file_starts[message.file], to_top=True)

    # The look.

    def action_close(self) -> None:
        """Close the screen; comments stay."""
        if self.is_active:
            self.dismiss(None)

    def action_toggle_sides(self) -> None:
        """Show old and new lines side by side, or in one column."""
        self._view.wants_sides = not self._view.wants_sides
        self._view.restyle()

    def action_toggle_blanks(self) -> None:
        """Show every blank, or only those at the ends of changed lines."""
        self._view.shows_blanks = not self._view.shows_blanks
        self._view.restyle()

    def action_toggle_files(self) -> None:
        """Show or hide the list of files."""
        if self.size.width < MIN_FILES_WIDTH:
            self._say(f"The list of files needs {MIN_FILES_WIDTH} columns; J and K go by file.")
            return
        self._hides_files = not self._hides_files
        self._show_files()

    def action_choose_scope(self) -> None:
        """Choose what is compared."""
        from codextui.console.screens.pick import PickScreen  # noqa: PLC0415

        scopes = self._source.list_scopes()
        if not scopes:
            self._say("There is nothing else to compare.")
            return
        current = [at for at, (scope, _) in enumerate(scopes) if scope == self._source.scope]

        def choose(picked: int | None) -> None:
            if picked is not None:
                self._source.scope = scopes[picked][0]
                self._update(keeps_place=False)
                self._read_if_needed()

        entries = [words for _, words in scopes]
        screen = PickScreen("Compare", entries, current[0] if current else 0)
        self.app.push_screen(screen, choose)

    def action_read_again(self) -> None:
        """Read the folder on the disk again; the cursor stays."""
        if not self._source.is_on_disk():
            self._say("This follows by itself; s also has the folder on the disk.")
            return
        self._is_reading = True
        self._show_position()
        self.run_worker(self._read(), group="reading", exclusive=True)

    # Comments.

    def action_comment(self) -> None:
        """Write or edit the comment on the line of the cursor."""
        from codextui.console.screens.comment import CommentScreen  # noqa: PLC0415

        found = self._comment_at_cursor()
        if found is None:
            self._say("Only a line of a file can be commented: ↓ or j moves to one.")
            return
        thread_id, comment = found
        if not thread_id:
            self._say("Nobody would read it: this diff belongs to no thread.")
            return
        where, line = f"{comment.path}:{comment.number}", comment.sign + comment.line
        keep = partial(self._keep_comment, thread_id, comment)
        draft, folder = partial(keep, is_draft=True), self._source.folder_of(thread_id)
        screen = CommentScreen(where, line, comment.text, draft, folder=folder)
        self.app.push_screen(screen, lambda text: None if text is None else keep(text))

    def _comment_at_cursor(self) -> tuple[str, Comment] | None:
        """Return the comment at the cursor, or a new one on its line; None if it is on no line."""
        view = self._view
        document, entry = view.document, view.entry
        if entry is None:
            return None
        line = document.line_of(entry, is_left=view.is_left and view.is_split)
        at = view.comment_at_cursor()
        if at >= 0:
            thread_id, comment = document.comments[at]
            is_here = line is None or comment.key == comment_on(comment.path, line).key
            if is_here or (entry.old, entry.new) == (-1, -1) or not view.is_split:
                return thread_id, comment
        if line is None:
            return None
        shown = document.files[entry.file]
        return shown.thread_id, comment_on(shown.file.path, line)

    def _keep_comment(
        self, thread_id: str, comment: Comment, text: str, *, is_draft: bool = False
    ) -> None:
        written = replace(comment, text=text[:MAX_COMMENT_LENGTH], is_draft=is_draft)
        comments = with_comment(self._source.comments_of(thread_id), written)
        if problem := self._source.save_comments(thread_id, comments):
            self._say(problem)
        self._update()

    def action_remove_comment(self) -> None:
        """Remove the comment at the cursor; u restores it."""
        at = self._view.comment_at_cursor()
        if at < 0:
            self._say("There is no comment here.")
            return
        thread_id, comment = self._view.document.comments[at]
        left = [one for one in self._source.comments_of(thread_id) if one.key != comment.key]
        self._source.save_comments(thread_id, left)
        self._removed.append((thread_id, comment))
        self._update()
        self._say("The comment is removed; u restores it.")

    def action_restore_comment(self) -> None:
        """Restore the comment that was removed last."""
        if not self._removed:
            self._say("No comment was removed.")
            return
        thread_id, comment = self._removed.pop()
        self._keep_comment(thread_id, comment, comment.text, is_draft=comment.is_draft)

    def action_list_comments(self) -> None:
        """List the comments, and go to one."""
        from codextui.console.screens.pick import PickScreen  # noqa: PLC0415

        document = self._view.document
        if not document.comments:
            self._say("There is no comment yet: c on a line writes one.")
            return

        def go(picked: int | None) -> None:
            if picked is not None and picked < len(self._view.document.comment_starts):
                self._view.move_to(self._view.document.comment_starts[picked])

        entries = [describe_comment(comment) for _, comment in document.comments]
        self.app.push_screen(PickScreen("Comments", entries), go)

    def action_send_review(self) -> None:
        """Send the finished comments, one message to each thread."""
        threads = [
            thread_id for thread_id in self._threads() if self._source.comments_of(thread_id)
        ]
        if not threads:
            self._say("There is no comment to send: c on a line writes one.")
            return
        answers = [(thread_id, self._source.send(thread_id)) for thread_id in threads]
        problems = [problem for _, problem in answers if problem]
        self._say(problems[0] if problems else "The review is on its way.")
