"""Text that grows by deltas and forgets its beginning when it is too long."""

from __future__ import annotations

LIMIT = 1_048_576
"""Characters of one text that are kept (1 MiB where they are ASCII)."""


class GrowingText:
    """Text built from deltas, appended in constant time, bounded to about its last `limit`.

    What is dropped is counted, so that whoever shows the text can say so.

    Attributes:
        dropped: characters that were forgotten, from the start of the text.
        dropped_lines: line ends among them.
        line_ends: line ends in what is kept.
    """

    __slots__ = (
        "_limit",
        "_pending",
        "_size",
        "_text",
        "dropped",
        "dropped_lines",
        "line_ends",
    )

    def __init__(self, text: str = "", *, limit: int = LIMIT) -> None:
        self._limit = limit
        self._text = ""
        self._pending: list[str] = []
        self._size = 0
        self.dropped = 0
        self.dropped_lines = 0
        self.line_ends = 0
        self.append(text)

    def append(self, delta: str) -> None:
        """Add to the end."""
        if not delta:
            return
        self._pending.append(delta)
        self._size += len(delta)
        self.line_ends += delta.count("\n")
        if self._size > self._limit + self._limit // 4:
            self._forget()

    @property
    def text(self) -> str:
        """What is kept; the end of it where `dropped` is not 0."""
        if self._pending:
            self._text = "".join((self._text, *self._pending))
            self._pending.clear()
        return self._text

    @property
    def end(self) -> int:
        """Characters ever appended: a position for `since` that never goes back."""
        return self.dropped + self._size

    def since(self, position: int) -> str:
        """What came after `position`; less where it was dropped already."""
        return self.text[max(0, position - self.dropped) :]

    def __bool__(self) -> bool:
        return self._size > 0

    def __len__(self) -> int:
        return self._size

    def _forget(self) -> None:
        """Cut the beginning, after a line end where one is near."""
        text = self.text
        cut = len(text) - self._limit
        line_end = text.find("\n", cut - 1, cut + 4096)
        cut = cut if line_end < 0 else line_end + 1
        self.dropped += cut
        line_ends = text.count("\n", 0, cut)
        self.dropped_lines += line_ends
        self.line_ends -= line_ends
        self._text = text[cut:]
        self._size = len(self._text)
