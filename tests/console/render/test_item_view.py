from __future__ import annotations

import pytest
from console.render.looks import (
    PALETTE,
    TEXTS,
    WIDTHS,
    is_harmless,
    item,
    lines,
    looks,
    render_item,
    text,
)
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model import items as b
from codextui.console.model.items import GrowingText, TranscriptItem
from codextui.console.render.command import without_shell
from codextui.console.render.items import ItemView
from codextui.protocol.approvals import Approval, CommandAsked, FileChange, PatchAsked
from codextui.protocol.events import ApprovalResolved


def draw(
    body: b.Body,
    width: int = 60,
    *,
    done: bool = True,
    unfinished: bool = False,
    full: bool = False,
) -> list[str]:
    strips = render_item(item(body, done=done, unfinished=unfinished), width, PALETTE, full=full)
    return lines(strips)


def command(output: str = "", **values: object) -> b.CommandRun:
    run = b.CommandRun("ls", status="completed", output=GrowingText(output))
    for name, value in values.items():
        setattr(run, name, value)
    return run


def asked(outcome: ApprovalResolved | None = None) -> b.ApprovalMark:
    approval = Approval("a7", "t", "u", "i", "backend", 0.0, CommandAsked("git push"))
    return b.ApprovalMark(approval, outcome)


def resolved(outcome: str, by: str = "console", message: str = "") -> ApprovalResolved:
    return ApprovalResolved("a7", outcome, by, message, 3.25)


CHANGES = (FileChange("a.py", "add", "x\n"), FileChange("b.py", "delete", "y\n"))


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (b.UserMessage("Do it.\n  Now."), ["", "> Do it.", "    Now."]),
        (b.UserMessage("Also this.", steer=True), ["", "» steered: Also this."]),
        (b.AgentMessage(GrowingText("**Done.**")), ["", "Done."]),
        (b.AgentMessage(), []),
        (b.Reasoning([GrowingText("one"), GrowingText("two")]), ["", "~ one", "", "  two"]),
        (b.Reasoning(raw=[GrowingText("raw")]), ["", "~ raw"]),
        (b.Reasoning(), []),
        (b.PlanText(GrowingText("1. a")), ["", "plan", "1. a"]),
        (
            command("a\nb\n", exit_code=0, duration_ms=1200),
            ["", "$ ls", "  a", "  b", "  ✓ exit 0 · 1.2s"],
        ),
        (
            command(status="failed", exit_code=2, duration_ms=100),
            ["", "$ ls", "  ✗ exit 2 · 0.1s"],
        ),
        (command(status="declined"), ["", "$ ls", "  ✗ declined, it did not run"]),
        (command(status="failed"), ["", "$ ls", "  ✗ failed"]),
        (command(status="sleeping"), ["", "$ ls", "  ? sleeping"]),
        (command("10%\r50%\r100%\r\n", exit_code=0), ["", "$ ls", "  100%", "  ✓ exit 0"]),
        (
            b.FileChanges(CHANGES, "completed"),
            [
                "",
                "✓ 2 files, +1 -1: applied",
                "  A a.py  new file, +1 -0",
                "  + x",
                "  D b.py  deleted, +0 -1",
                "  - y",
            ],
        ),
        (b.FileChanges((), "declined"), ["", "✗ 0 files, +0 -0: declined, not applied"]),
        (b.FileChanges((), "failed"), ["", "✗ 0 files, +0 -0: failed, not applied"]),
        (
            b.ToolCall("github", "search", {"q": 1}, "completed", "found\ntwo", "", 900),
            ["", '→ github.search {"q": 1}', "  found", "  two", "  ✓ done · 0.9s"],
        ),
        (
            b.ToolCall("", "look", None, "failed", None, "no such tool"),
            ["", "→ look", "  ✗ failed: no such tool"],
        ),
        (b.WebSearch("rich", "search"), ["→ searched the web: rich"]),
        (b.WebSearch("", "openPage", "http://x"), ["→ opened http://x"]),
        (b.WebSearch("", "findInPage", "http://x", "y"), ["→ looked for 'y' in http://x"]),
        (b.Compaction(), ["· the conversation was summarised to fit the model"]),
        (asked(), ["? waits for you: run: git push"]),
        (
            asked(resolved("approved")),
            ["? asked to run: git push", "  ✓ approved once by console, waited 3.2s"],
        ),
        (
            asked(resolved("approved_for_session")),
            ["? asked to run: git push", "  ✓ approved for this session by console, waited 3.2s"],
        ),
        (
            asked(resolved("approved_always")),
            ["? asked to run: git push", "  ✓ approved always, as a rule by console, waited 3.2s"],
        ),
        (
            asked(resolved("denied", message="not now")),
            ["? asked to run: git push", "  ✗ declined by console, waited 3.2s: not now"],
        ),
        (
            asked(resolved("abort")),
            [
                "? asked to run: git push",
                "  ■ declined and the turn stopped by console, waited 3.2s",
            ],
        ),
        (
            asked(resolved("withdrawn", by="")),
            ["? asked to run: git push", "  · withdrawn, nobody decided, waited 3.2s"],
        ),
        (
            asked(resolved("lost", by="")),
            ["? asked to run: git push", "  · lost with the Codex process, nobody decided"],
        ),
        (b.TurnStart(2), ["", "── turn 2 " + "─" * 50]),
        (
            b.TurnEnd(2, "completed", "", 72, 3400),
            ["", "✓ turn 2 completed · 1m 12s · 3.4k tokens"],
        ),
        (b.TurnEnd(1, "failed", "no network"), ["", "✗ turn 1 failed", "  no network"]),
        (b.TurnEnd(1, "interrupted"), ["", "■ turn 1 interrupted"]),
        (b.TurnEnd(1, "killed"), ["", "† turn 1 killed"]),
        (b.TurnEnd(1, "lost"), ["", "✗ turn 1 lost: Codex stopped"]),
        (b.TurnEnd(1, "lost", "It is gone."), ["", "✗ turn 1 lost", "  It is gone."]),
        (b.TurnEnd(1, "eaten"), ["", "? turn 1 eaten"]),
        (b.Failure("boom"), ["✗ error: boom"]),
        (b.Failure("boom", will_retry=True), ["✗ error: boom · Codex tries again by itself"]),
        (b.Caution("careful"), ["! warning: careful"]),
        (
            b.Unknown("imageView", {"type": "imageView", "id": "i", "path": "/a", "n": [1]}),
            ["", "· imageView", "  path: /a", "  n:", "    [", "      1", "    ]"],
        ),
    ],
)
def test_every_kind_looks_as_what_it_is(body: b.Body, rows: list[str]) -> None:
    assert draw(body) == rows


@pytest.mark.parametrize(
    ("body", "last"),
    [
        (command(status="inProgress"), "  ● running"),
        (b.FileChanges((), "inProgress"), "● 0 files, +0 -0: proposed, not applied yet"),
        (b.ToolCall("s", "t"), "  ● running"),
        (b.Reasoning(), "~ thinking …"),
    ],
)
def test_what_is_at_work_says_so(body: b.Body, last: str) -> None:
    assert draw(body, done=False)[-1] == last


@pytest.mark.parametrize(
    ("body", "last"),
    [
        (command(status="inProgress"), "  ■ interrupted"),
        (command(status=b.LEFT_RUNNING), "  ● left running, the turn ended first"),
        (b.FileChanges((), "inProgress"), "■ 0 files, +0 -0: unfinished, the turn ended first"),
        (b.ToolCall("s", "t"), "  ■ interrupted"),
        (b.AgentMessage(GrowingText("I was")), "■ cut off, the turn ended first"),
    ],
)
def test_what_the_end_of_its_turn_cut_off_says_so(body: b.Body, last: str) -> None:
    assert draw(body, unfinished=True)[-1] == last


def test_long_output_shows_its_end_and_says_how_much_there_is() -> None:
    run = command("".join(f"line {n}\n" for n in range(1246)), exit_code=0)
    rows = draw(run)
    assert rows[2] == "  … 1,234 more lines"
    assert rows[3:-1] == [f"  line {n}" for n in range(1234, 1246)]
    assert draw(run, full=True)[2:-1] == [f"  line {n}" for n in range(1246)]


def test_output_that_is_not_kept_is_counted() -> None:
    run = command()
    run.output = GrowingText(limit=100)
    run.output.append("x\n" * 1000)
    shown = int(len(run.output) / 2)
    assert draw(run, full=True)[2] == f"  … {1000 - shown} more lines are not kept"
    assert draw(run)[2] == "  … 988 more lines"


def test_a_very_long_line_of_output_is_clipped_unless_all_is_wanted() -> None:
    run = command("y" * 1_000_000, exit_code=0)
    rows = draw(run)
    assert len(rows) < 10
    assert "more characters" in "".join(rows)
    assert "".join(draw(run, full=True)).count("y") == 1_000_000


def test_a_long_command_is_never_cut() -> None:
    words = " ".join(f"argument{n}" for n in range(1000))
    rows = draw(command(command=words))
    shown = "".join(row.removeprefix("$ ").strip() for row in rows)
    assert words.replace(" ", "") in shown.replace(" ", "")


def test_a_long_message_shows_its_beginning_and_says_how_much_there_is() -> None:
    body = b.UserMessage("\n".join(f"line {n}" for n in range(100)))
    rows = draw(body)
    assert rows[-1] == "  … 60 more lines"
    assert len(draw(body, full=True)) == 101


def test_a_long_diff_shows_its_beginning_unless_all_is_wanted() -> None:
    body = b.FileChanges((FileChange("a", "add", "x\n" * 100),), "completed")
    assert draw(body)[-1] == "    … 80 more lines"
    assert len(draw(body, full=True)) == 103


def test_a_long_result_of_a_tool_shows_its_beginning_unless_all_is_wanted() -> None:
    body = b.ToolCall("s", "t", None, "completed", "x\n" * 100)
    assert draw(body)[-2] == "  … there is more"
    assert "".join(draw(body, full=True)).count("x") == 100


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("/bin/bash -lc 'ls -l'", "ls -l"),
        ("bash -c ls", "ls"),
        ("/usr/bin/zsh -lc \"echo 'a b'\"", "echo 'a b'"),
        ("bash -lc 'ls' extra", "bash -lc 'ls' extra"),
        ("bash -lc 'open", "bash -lc 'open"),
        ("bash script.sh", "bash script.sh"),
        ("ls", "ls"),
    ],
)
def test_a_command_is_shown_without_the_shell_that_codex_wraps_it_in(
    command: str, shown: str
) -> None:
    assert without_shell(command) == shown


def test_markup_is_never_interpreted() -> None:
    markup = "[bold red]x[/bold red] [link=http://evil]y[/link]"
    for body in (b.UserMessage(markup), b.AgentMessage(GrowingText(markup)), command(markup)):
        assert markup in text(render_item(item(body), 100, PALETTE))


# Growing.


def grown(body: b.Body) -> TranscriptItem:
    return TranscriptItem("u", "i", 0, body, 1)


def touch(entry: TranscriptItem) -> None:
    entry.version += 1


def test_an_item_that_did_not_change_is_not_drawn_again() -> None:
    entry = grown(b.AgentMessage(GrowingText("hello")))
    view = ItemView(entry, 40, PALETTE)
    rows = list(view.rows)
    assert view.update() == len(rows)
    assert all(a is b for a, b in zip(rows, view.rows, strict=True))


def test_a_streaming_message_keeps_its_finished_rows() -> None:
    message = b.AgentMessage(GrowingText("First.\n\nSecond"))
    entry = grown(message)
    view = ItemView(entry, 40, PALETTE)
    first = view.rows[1]
    message.text.append(" grows\n\nThird")
    touch(entry)
    assert view.update() >= 3
    assert view.rows[1] is first
    assert lines(view.rows) == ["", "First.", "", "Second grows", "", "Third"]


def test_a_running_command_keeps_the_rows_above_its_new_output() -> None:
    run = command("a\n", status="inProgress")
    entry = grown(run)
    view = ItemView(entry, 40, PALETTE)
    prompt = view.rows[1]
    run.output.append("b\n")
    touch(entry)
    assert view.update() == 3
    assert view.rows[1] is prompt


def test_a_message_that_ends_otherwise_than_it_was_streamed_is_drawn_anew() -> None:
    entry = grown(b.AgentMessage(GrowingText("draft")))
    view = ItemView(entry, 40, PALETTE)
    entry.body, entry.done = b.AgentMessage(GrowingText("final")), True
    touch(entry)
    assert view.update() == 0
    assert lines(view.rows) == ["", "final"]


def test_reasoning_that_begins_takes_the_place_of_thinking() -> None:
    thoughts = b.Reasoning()
    entry = grown(thoughts)
    view = ItemView(entry, 40, PALETTE)
    thoughts.summary.append(GrowingText("I see"))
    touch(entry)
    assert view.update() == 0
    assert lines(view.rows) == ["", "~ I see"]


def test_a_message_whose_beginning_was_dropped_says_so() -> None:
    message = b.AgentMessage(GrowingText(limit=100))
    entry = grown(message)
    view = ItemView(entry, 60, PALETTE)
    for _ in range(30):
        message.text.append("a line\n\n")
        touch(entry)
        view.update()
    assert lines(view.rows)[1].endswith("characters before are not kept")


_STEPS = st.lists(TEXTS, min_size=1, max_size=6)


@given(_STEPS, WIDTHS, st.sampled_from(["agent", "plan", "reasoning", "command"]), st.booleans())
def test_an_item_that_grew_looks_as_one_drawn_at_once(
    deltas: list[str], width: int, kind: str, done: bool
) -> None:
    text = GrowingText()
    body = {
        "agent": b.AgentMessage(text),
        "plan": b.PlanText(text),
        "reasoning": b.Reasoning([text]),
        "command": b.CommandRun("ls", output=text),
    }[kind]
    entry = grown(body)
    view = ItemView(entry, width, PALETTE)
    for delta in deltas:
        before = looks(view.rows)
        text.append(delta)
        touch(entry)
        first = view.update()
        assert looks(view.rows)[:first] == before[:first]
    entry.done = done
    touch(entry)
    view.update()
    assert looks(view.rows) == looks(render_item(entry, width, PALETTE))


# Anything at all.

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
_CHANGES = st.lists(
    st.builds(FileChange, TEXTS, st.sampled_from(["add", "delete", "update", "x"]), TEXTS, TEXTS),
    max_size=3,
).map(tuple)
_GROWING = TEXTS.map(GrowingText)
_WORDS = st.sampled_from(["inProgress", "completed", "failed", "declined", "interrupted"]) | TEXTS
_BODIES: st.SearchStrategy[b.Body] = st.one_of(
    st.builds(b.UserMessage, TEXTS, st.booleans()),
    st.builds(b.AgentMessage, _GROWING),
    st.builds(b.Reasoning, st.lists(_GROWING, max_size=3), st.lists(_GROWING, max_size=3)),
    st.builds(b.PlanText, _GROWING),
    st.builds(
        b.CommandRun,
        TEXTS,
        TEXTS,
        _WORDS,
        _GROWING,
        st.none() | st.integers(),
        st.none() | st.integers(),
    ),
    st.builds(b.FileChanges, _CHANGES, _WORDS),
    st.builds(b.ToolCall, TEXTS, TEXTS, _JSON, _WORDS, _JSON, TEXTS, st.none() | st.integers()),
    st.builds(b.WebSearch, TEXTS, _WORDS, TEXTS, TEXTS),
    st.builds(
        b.ApprovalMark,
        st.builds(
            Approval,
            TEXTS,
            TEXTS,
            TEXTS,
            TEXTS,
            TEXTS,
            st.floats(0, 1e9),
            st.builds(CommandAsked, TEXTS) | st.builds(PatchAsked, _CHANGES),
        ),
        st.none() | st.builds(ApprovalResolved, TEXTS, _WORDS, TEXTS, TEXTS, st.floats()),
    ),
    st.builds(b.TurnStart, st.integers(0, 10**9)),
    st.builds(
        b.TurnEnd,
        st.integers(0, 10**9),
        _WORDS,
        TEXTS,
        st.none() | st.floats(),
        st.none() | st.integers(),
    ),
    st.builds(b.Failure, TEXTS, st.booleans()),
    st.builds(b.Caution, TEXTS),
    st.builds(b.Unknown, TEXTS, st.dictionaries(TEXTS, _JSON, max_size=3)),
    st.just(b.Compaction()),
)


@given(_BODIES, WIDTHS, st.booleans(), st.booleans(), st.booleans())
def test_no_row_of_any_item_is_too_wide_or_holds_what_a_terminal_would_obey(
    body: b.Body, width: int, done: bool, unfinished: bool, full: bool
) -> None:
    entry = item(body, done=done, unfinished=unfinished)
    for strip in render_item(entry, width, PALETTE, full=full):
        assert strip.cell_length <= width
        assert is_harmless(strip.text)
