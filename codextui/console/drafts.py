"""What outlives the console: unsent texts, half-filled forms, and how things are arranged."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from codextui.config.files import replace_file
from codextui.text.sanitize import one_line

if TYPE_CHECKING:
    from textual.app import App

MAX_DRAFTS: Final = 200
"""Drafts of one kind that are stored; the oldest are dropped."""

MAX_DRAFT_LENGTH: Final = 1_000_000
"""Characters of a draft that are stored."""

_REPLIES, _FORKS, _EDITS = "replies", "forks", "edits"
_NEW_THREAD, _ANSWERS = "new_thread", "answers"
_COMMENTS, _PUT_AWAY = "comments", "put_away"
_BROADCAST, _QUEUED, _LOOKED_AT = "broadcast", "queued", "looked_at"
_PINS, _FOLDS, _TREE = "pins", "folds", "tree"
_KINDS = (
    *(_REPLIES, _FORKS, _EDITS, _NEW_THREAD, _ANSWERS, _COMMENTS),
    *(_PUT_AWAY, _BROADCAST, _QUEUED, _PINS, _FOLDS, _TREE, _LOOKED_AT),
)

_Stored = dict[str, dict[str, str]]


class Drafts:
    """What was typed and not sent: per thread, and of the dialog for a new thread.

    Several consoles may share the file: a save writes only what has changed here.

    Attributes:
        replies: thread id → text of its composer.
        forks: thread id → prompt of the dialog that forks it.
        edits: turn id → its prompt as it was edited.
        answers: key of an approval → what is filled in in its dialog, as JSON, without secrets.
        pins: id of a thread that is pinned to its pane → `pinned`, in the order of pinning.
        folds: id of a thread, or key of a group, that was folded or unfolded → which of both.
        tree: `grouping` → what the tree is grouped by, `width` → cells of its width.
        put_away: id of a thread or a run that the user put away → why.
        looked_at: id of a failed thread or run that the user has looked at → its failed turn.
        queued: `thread id/queued id` → the message as it was edited and not saved.
        broadcast: `text` → the message to all marked threads.
        new_thread: field → value of the dialog for a new thread; empty if nothing is unsent.
        comments: thread id → comments on lines of its diffs, as JSON, until they are sent.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Load the drafts of a file, which need not exist; None keeps them in memory only."""
        self._path = path
        self._saved = _load(path)
        self.replies = dict(self._saved[_REPLIES])
        self.forks = dict(self._saved[_FORKS])
        self.edits = dict(self._saved[_EDITS])
        self.new_thread = dict(self._saved[_NEW_THREAD])
        self.answers = dict(self._saved[_ANSWERS])
        self.comments = dict(self._saved[_COMMENTS])
        self.put_away = dict(self._saved[_PUT_AWAY])
        self.looked_at = dict(self._saved[_LOOKED_AT])
        self.queued = dict(self._saved[_QUEUED])
        self.pins = dict(self._saved[_PINS])
        self.folds = dict(self._saved[_FOLDS])
        self.tree = dict(self._saved[_TREE])
        self.broadcast = dict(self._saved[_BROADCAST])

    @property
    def has_changed(self) -> bool:
        """Whether a save would write something."""
        return self._path is not None and self._current() != self._saved

    def save(self) -> None:
        """Write what has changed since the last save.

        Raises:
            OSError: the file cannot be written; the next save tries again.
        """
        current = self._current()
        if self._path is None or current == self._saved:
            return
        merged = _load(self._path)
        for kind, drafts in current.items():
            _merge(merged[kind], self._saved[kind], drafts)
        if any(merged.values()) or self._path.exists():
            replace_file(self._path, json.dumps(merged).encode(), new_mode=0o600)
        self._saved = current

    def keep_unsent(self, thread_id: str, text: str) -> str:
        """Add a text that was not sent to the draft of a thread, above it; return the draft."""
        draft = self.replies.get(thread_id, "")
        if not draft.startswith(text):
            self.replies[thread_id] = f"{text}\n\n{draft}" if draft.strip() else text
        return self.replies[thread_id]

    def _current(self) -> _Stored:
        return {
            _REPLIES: dict(self.replies),
            _FORKS: dict(self.forks),
            _EDITS: dict(self.edits),
            _NEW_THREAD: dict(self.new_thread),
            _ANSWERS: dict(self.answers),
            _COMMENTS: dict(self.comments),
            _PUT_AWAY: dict(self.put_away),
            _BROADCAST: dict(self.broadcast),
            _QUEUED: dict(self.queued),
            _PINS: dict(self.pins),
            _FOLDS: dict(self.folds),
            _TREE: dict(self.tree),
            _LOOKED_AT: dict(self.looked_at),
        }


class DraftSaver:
    """Saves the drafts of an app off its event loop."""

    def __init__(self, app: App[int], drafts: Drafts) -> None:
        """Create one for an app, which shows why drafts cannot be saved."""
        self._app = app
        self._drafts = drafts
        self._has_failed = False

    def save(self) -> None:
        """Save the drafts now, if that is possible."""
        with contextlib.suppress(OSError):
            self._drafts.save()

    def save_in_background(self) -> None:
        """Save the drafts that have changed."""
        if self._drafts.has_changed:
            work = self._save_in_thread()
            self._app.run_worker(work, group="drafts", exclusive=True, exit_on_error=False)

    async def _save_in_thread(self) -> None:
        """Save off the event loop; say once if that is impossible."""
        try:
            await asyncio.to_thread(self._drafts.save)
        except OSError as error:
            if not self._has_failed:
                self._has_failed = True
                message = f"Drafts are lost when you leave: {one_line(str(error))}"
                self._app.notify(message, severity="warning", markup=False)


def _merge(stored: dict[str, str], before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Carry the changes from `before` to `after` into what is stored."""
    for key in before.keys() - after.keys():
        stored.pop(key, None)
    for key, text in after.items():
        if before.get(key) != text:
            stored.pop(key, None)  # The newest is the last.
            stored[key] = text[:MAX_DRAFT_LENGTH]
    for key in list(stored)[:-MAX_DRAFTS]:
        del stored[key]


def _load(path: Path | None) -> _Stored:
    """Read a file of drafts; what cannot be read counts as empty."""
    stored: object = None
    if path is not None:
        with contextlib.suppress(OSError, ValueError, RecursionError):
            stored = json.loads(path.read_bytes())
    kinds = stored if isinstance(stored, dict) else {}
    return {kind: _texts(kinds.get(kind)) for kind in _KINDS}


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {key: text for key, text in value.items() if isinstance(text, str)}
