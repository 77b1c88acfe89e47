"""The list of what the composer suggests, above it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from codextui.console.model.suggestions import Suggestion
from codextui.console.render.layout import truncate_left
from codextui.text.sanitize import one_line

_KEYS = "tab takes it   ↑ ↓ choose   esc closes this"
_MAX_LABEL = 300


class SuggestionList(Static):
    """Shows suggestions; hidden while there are none.

    Attributes:
        at: index of the chosen suggestion.
        is_chosen: whether the user has moved in the list.
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.display = False
        self.at = 0
        self.is_chosen = False
        self._suggestions: Sequence[Suggestion] = ()

    @property
    def current(self) -> Suggestion | None:
        """The chosen suggestion; None while there are none."""
        return self._suggestions[self.at] if self._suggestions else None

    def show(self, suggestions: Sequence[Suggestion]) -> None:
        """Show suggestions, the first of them chosen unless they are the same as before."""
        if suggestions == self._suggestions:
            return
        self._suggestions = suggestions
        self.at, self.is_chosen = 0, False
        self.display = bool(suggestions)
        self._draw()

    def move(self, step: int) -> None:
        """Choose the next (1) or previous (-1) suggestion."""
        self.at = (self.at + step) % len(self._suggestions)
        self.is_chosen = True
        self._draw()

    def on_resize(self) -> None:
        """Cut the suggestions to the new width."""
        self._draw()

    def _draw(self) -> None:
        width = self.size.width or _MAX_LABEL
        lines = [
            _line(one, width, chosen=at == self.at) for at, one in enumerate(self._suggestions)
        ]
        self.update(Content("\n").join([*lines, Content.styled(_KEYS, "dim")]))


def _line(suggestion: Suggestion, width: int, *, chosen: bool) -> Content:
    label = truncate_left(one_line(suggestion.label, _MAX_LABEL), max(2, width - 2))
    style = "bold reverse" if chosen else "bold"
    parts = ["▸ " if chosen else "  ", (label, style)]
    if suggestion.note:
        parts.append((f"  {suggestion.note}", "dim"))
    return Content.assemble(*parts)
