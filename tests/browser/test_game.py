"""Bug Busters, the game of the demo's team, played in Chromium with and without its server."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from browser.conftest import Made
from playwright.sync_api import Page

pytestmark = [pytest.mark.contract, pytest.mark.slow]

ROUND_MS = 20_000 + 50  # and the frames that are due then
CALM_MS = 700
NET_SPEED = 480

Point = tuple[float, float]


def middle(page: Page, name: str) -> Point:
    box = page.locator(name).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def start(page: Page, address: str, *, chance: float) -> None:
    """Open the page and start a round in which `Math.random()` is always `chance`."""
    page.add_init_script(f"Math.random = () => {chance}")
    page.goto(address)
    assert page.locator("#result").inner_text() == "How many bugs can you catch in 20 seconds?"
    page.click("#start")


def score(page: Page) -> str:
    return page.locator("#score").inner_text()


def test_the_demos_team_makes_everything_that_was_requested(made: Made) -> None:
    assert made.code == 0, made.lines[-3:]
    assert made.lines[-1]["ok"] is True


def test_two_rounds_are_played_with_the_mouse(made: Made, page: Page) -> None:
    start(page, made.page, chance=0.5)
    assert page.locator("#panel").is_hidden()
    before = middle(page, "#bug")
    page.clock.run_for(500)
    assert middle(page, "#bug") != before
    page.mouse.click(*middle(page, "#bug"))
    assert score(page) == "1"
    assert page.locator(".splat").inner_text() == "+1"
    x, y = middle(page, "#bug")
    page.mouse.click(x + 60, y)
    assert score(page) == "1"
    page.clock.run_for(600)
    assert page.locator("#seconds").inner_text() == "19"
    page.mouse.click(*middle(page, "#bug"))
    page.clock.run_for(ROUND_MS - 1000)
    assert page.locator("#result").inner_text() == "Game over: 2 points. Your best round so far!"
    assert page.locator("#seconds").inner_text() == "0"
    assert page.locator("#bug").is_hidden()
    assert page.locator("#start").is_disabled()
    page.clock.run_for(CALM_MS)
    assert page.locator("#start").inner_text() == "Play again"
    page.click("#start")
    page.clock.run_for(20)
    assert (score(page), page.locator("#seconds").inner_text()) == ("0", "20")
    page.clock.run_for(ROUND_MS)
    assert page.locator("#result").inner_text() == "Game over: 0 points."
    assert page.locator("#best").inner_text() == "2"


def test_a_miss_scares_the_bug_and_a_golden_bug_counts_three(made: Made, page: Page) -> None:
    start(page, made.page, chance=0.1)
    x, y = middle(page, "#bug")
    page.mouse.click(x - 60, y)
    page.clock.run_for(200)
    there = middle(page, "#bug")
    assert there[0] > x + 20
    page.mouse.click(*there)
    assert (score(page), page.locator(".splat").inner_text()) == ("3", "+3")


def test_the_keyboard_alone_is_enough(made: Made, page: Page) -> None:
    page.add_init_script("Math.random = () => 0.9")
    page.goto(made.page)
    page.keyboard.press("Enter")
    assert page.locator("#net").is_hidden()
    for _ in range(20):
        net, bug = middle(page, "#net"), middle(page, "#bug")
        if score(page) == "1":
            break
        for have, want, less, more in zip(
            net, bug, ("ArrowLeft", "ArrowUp"), ("ArrowRight", "ArrowDown"), strict=True
        ):
            key = more if want > have else less
            page.keyboard.down(key)
            page.clock.run_for(int(abs(want - have) / NET_SPEED * 1000))
            page.keyboard.up(key)
        page.keyboard.press("Space")
    assert score(page) == "1"
    assert page.locator("#net").is_visible()
    page.clock.run_for(ROUND_MS)
    page.keyboard.press("Space")  # a late swat starts nothing
    assert "Game over: 1 point." in page.locator("#result").inner_text()
    page.clock.run_for(CALM_MS)
    page.keyboard.press("Space")
    assert page.locator("#panel").is_hidden()


def test_the_game_on_its_server_lists_the_best_rounds(made: Made, page: Page, backend: str) -> None:
    ask(f"{backend}/scores", {"name": "<b>Bo</b>", "score": 1})
    page.add_init_script("Math.random = () => 0.5")
    page.goto(backend)
    page.fill("#name", "Ada")
    page.click("#start")
    for _ in range(2):
        page.mouse.click(*middle(page, "#bug"))
    page.clock.run_for(ROUND_MS)
    page.locator("#board li").nth(1).wait_for()
    assert page.locator("#board li").all_inner_texts() == ["2 Ada", "1 <b>Bo</b>"]
    assert ask(f"{backend}/scores")[1][0] == {"name": "Ada", "score": 2}


def ask(url: str, body: Any = None, method: str | None = None) -> tuple[int, Any]:
    """Return the status and JSON of a response; a `body` is posted, bytes unchanged."""
    raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, raw, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            assert answer.headers.get_content_type() == "application/json"
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_the_server_answers_the_agreed_requests_and_refuses_others(backend: str) -> None:
    assert ask(f"{backend}/health") == (200, {"ok": True})
    assert ask(f"{backend}/scores") == (200, [])
    for points in (3, 7, 5):
        assert ask(f"{backend}/scores", {"name": f"n{points}", "score": points})[0] == 201
    assert [one["score"] for one in ask(f"{backend}/scores")[1]] == [7, 5, 3]
    for wrong in (b"{", b"\xff", 1, None, [], {}, {"score": "9"}, {"score": -1}, {"score": 1.5}):
        posted = b"null" if wrong is None else wrong
        status, answer = ask(f"{backend}/scores", posted)
        assert (status, set(answer)) == (400, {"error"}), wrong
    assert ask(f"{backend}/scores", {"name": 4, "score": 1})[0] == 400
    assert ask(f"{backend}/scores", b" " * 20_000)[0] == 413
    assert ask(f"{backend}/scores", method="DELETE")[0] == 405
    for path in ("/elsewhere", "/backend/server.js", "/../package.json", "/__proto__"):
        assert ask(f"{backend}{path}")[0] == 404
    assert len(ask(f"{backend}/scores?all")[1]) == 3
