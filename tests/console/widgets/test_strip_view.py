"""A strip view renders per width and theme, and posts its visible rows."""

from __future__ import annotations

from rich.text import Text
from textual.app import App, ComposeResult
from textual.strip import Strip

from codextui.console.render.palette import Palette
from codextui.console.themes import VARIABLE_DEFAULTS, load_themes
from codextui.console.widgets.strip_view import StripView, wrap_text

WORDS = " ".join(f"word{at:03}" for at in range(200))


class Reader(App[None]):
    """Shows a long text."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[int] = []
        self.places: list[tuple[int, int, int]] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return VARIABLE_DEFAULTS

    def compose(self) -> ComposeResult:
        yield StripView(self.draw)

    def on_mount(self) -> None:
        for theme in load_themes(None).themes:
            self.register_theme(theme)
        self.theme = "harbour"

    def draw(self, width: int, palette: Palette) -> list[Strip]:
        self.drawn.append(width)
        return wrap_text(Text(WORDS), width, palette.text)

    def on_strip_view_scrolled(self, event: StripView.Scrolled) -> None:
        self.places.append((event.first, event.last, event.total))


def background(app: Reader) -> str:
    style = next(iter(app.query_one(StripView).render_line(0))).style
    assert style is not None
    assert style.bgcolor is not None
    return style.bgcolor.get_truecolor().hex


async def test_another_theme_is_rendered_in_its_colours() -> None:
    async with Reader().run_test(size=(40, 10)) as pilot:
        assert isinstance(pilot.app, Reader)
        await pilot.pause()
        assert background(pilot.app) == "#161d27"
        pilot.app.theme = "paper"
        await pilot.pause()
        assert background(pilot.app) == "#f2efe8"


async def test_another_width_wraps_again_without_losing_text() -> None:
    async with Reader().run_test(size=(40, 10)) as pilot:
        assert isinstance(pilot.app, Reader)
        await pilot.pause()
        before = pilot.app.query_one(StripView).row_count
        await pilot.resize_terminal(80, 10)
        await pilot.pause()
        view = pilot.app.query_one(StripView)
        assert view.row_count < before
        text = " ".join(strip.text.strip() for strip in view._rows)
        assert text.split() == WORDS.split()


async def test_it_posts_the_visible_rows() -> None:
    async with Reader().run_test(size=(40, 10)) as pilot:
        assert isinstance(pilot.app, Reader)
        await pilot.pause()
        total = pilot.app.query_one(StripView).row_count
        assert pilot.app.places[-1] == (1, 10, total)
        await pilot.press("down", "pagedown")
        await pilot.pause()
        assert pilot.app.places[-1] == (11, 20, total)
        await pilot.press("end")
        await pilot.pause()
        assert pilot.app.places[-1] == (total - 9, total, total)
        await pilot.press("pageup", "up", "home")
        await pilot.pause()
        assert pilot.app.places[-1] == (1, 10, total)


async def test_it_renders_only_when_necessary() -> None:
    async with Reader().run_test(size=(40, 10)) as pilot:
        assert isinstance(pilot.app, Reader)
        await pilot.pause()
        before = len(pilot.app.drawn)
        await pilot.press(*["down"] * 20)
        await pilot.pause()
        assert len(pilot.app.drawn) == before
