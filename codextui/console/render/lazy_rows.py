"""Rows that are laid out when they are looked at."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Final, overload

from textual.strip import Strip

from codextui.console.render.layout import Row, to_strips

MAX_LAID_OUT: Final = 400
"""Blocks whose rows are kept."""


class LazyRows(Sequence[Strip]):
    """The rows of blocks of known heights."""

    def __init__(self, heights: Sequence[int], rows: Callable[[int], list[Row]]) -> None:
        """Lay out a block by its index with `rows`, which returns as many as `heights` says."""
        self._ends = list(accumulate(heights))
        self._rows = rows
        self._laid_out: OrderedDict[int, list[Strip]] = OrderedDict()

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Strip: ...
    @overload
    def __getitem__(self, index: slice) -> list[Strip]: ...
    def __getitem__(self, index: int | slice) -> Strip | list[Strip]:
        """Lay out rows."""
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        block = bisect_right(self._ends, at)
        start = self._ends[block - 1] if block else 0
        return self._block(block)[at - start]

    def _block(self, block: int) -> list[Strip]:
        strips = self._laid_out.get(block)
        if strips is None:
            strips = self._laid_out[block] = to_strips(self._rows(block))
            if len(self._laid_out) > MAX_LAID_OUT:
                self._laid_out.popitem(last=False)
        return strips


class JoinedRows(Sequence[Strip]):
    """Rows one after the other, of which some may be laid out when they are looked at.

    Attributes:
        content: what the rows show; rows of the same content have the same text.
    """

    def __init__(self, parts: Sequence[Sequence[Strip]], content: object) -> None:
        """Join parts; `content` is what they show, and their width."""
        self._parts = [part for part in parts if part]
        self._ends = list(accumulate(map(len, self._parts)))
        self.content = content

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Strip: ...
    @overload
    def __getitem__(self, index: slice) -> list[Strip]: ...
    def __getitem__(self, index: int | slice) -> Strip | list[Strip]:
        """Lay out rows."""
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        part = bisect_right(self._ends, at)
        return self._parts[part][at - (self._ends[part - 1] if part else 0)]
