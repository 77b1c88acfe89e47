from __future__ import annotations

from collections.abc import Callable

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

from codextui.console.model import items
from codextui.console.model.items import GrowingText, TranscriptItem
from codextui.console.render.items import RenderedItem
from codextui.protocol.approvals import Approval, CommandAsked, FileChange, PatchAsked
from codextui.protocol.events import ApprovalCorrected, ApprovalResolved
from codextui.protocol.sub_agents import AgentCall, SubAgent
from codextui.text.shell import strip_shell


def draw(
    content: items.ItemContent,
    width: int = 60,
    *,
    done: bool = True,
    unfinished: bool = False,
) -> list[str]:
    return lines(render_item(item(content, done=done, unfinished=unfinished), width, PALETTE))


def command(output: str = "", **values: object) -> items.CommandExecution:
    run = items.CommandExecution("ls", status="completed", output=GrowingText(output))
    for name, value in values.items():
        setattr(run, name, value)
    return run


def asked(
    outcome: ApprovalResolved | None = None, correction: ApprovalCorrected | None = None
) -> items.ApprovalItem:
    approval = Approval("a7", "t", "u", "i", "backend", 0.0, CommandAsked("git push"))
    return items.ApprovalItem(approval, outcome, correction)


def resolved(outcome: str, by: str = "console", message: str = "") -> ApprovalResolved:
    return ApprovalResolved("a7", outcome, by, message, 3.25)


CHANGES = (FileChange("a.py", "add", "x\n"), FileChange("b.py", "delete", "y\n"))


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (items.UserMessage("Do it.\n  Now."), ["", "> Do it.", "    Now."]),
        (items.UserMessage("Also this.", is_steer=True), ["", "» steered: Also this."]),
        (items.AgentMessage(GrowingText("**Done.**")), ["", "Done."]),
        (items.AgentMessage(), []),
        (items.Reasoning([GrowingText("one"), GrowingText("two")]), ["", "~ one", "", "  two"]),
        (items.Reasoning(raw=[GrowingText("raw")]), ["", "~ raw"]),
        (items.Reasoning(), []),
        (items.PlanText(GrowingText("1. a")), ["", "plan", "1. a"]),
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
            items.FileChanges(CHANGES, "completed"),
            [
                "",
                "✓ 2 files, +1 -1: applied",
                "  A a.py  new file, +1 -0",
                "  + x",
                "  D b.py  deleted, +0 -1",
                "  - y",
            ],
        ),
        (items.FileChanges((), "declined"), ["", "✗ 0 files, +0 -0: declined, not applied"]),
        (items.FileChanges((), "failed"), ["", "✗ 0 files, +0 -0: failed, not applied"]),
        (
            items.ToolCall("github", "search", {"q": 1}, "completed", "found\ntwo", "", 900),
            ["", '→ github.search {"q": 1}', "  found", "  two", "  ✓ done · 0.9s"],
        ),
        (
            items.ToolCall("codex", "codex-reply", {"prompt": "Test it.\nAll.", "threadId": "t"}),
            [
                "",
                '→ codex.codex-reply {"threadId": "t"}',
                "  > Test it.",
                "    All.",
                "  ● running",
            ],
        ),
        (
            items.ToolCall("", "look", None, "failed", None, "no such tool"),
            ["", "→ look", "  ✗ failed: no such tool"],
        ),
        (
            items.SubAgentCall(
                AgentCall("spawnAgent", "completed", (SubAgent("c", "", "starting"),), "", "m"),
                "Test it.\nAll.",
            ),
            ["", "→ started the sub-agent c (m)", "  > Test it.", "    All."],
        ),
        (
            items.SubAgentCall(AgentCall("wait", "failed", (SubAgent("c", "", "failed", "no"),))),
            ["", "→ waited for c", "  c: failed: no", "  ✗ failed"],
        ),
        (items.Remark("looked at /a"), ["· looked at /a"]),
        (items.Remark("one\ntwo"), ["· one", "  two"]),
        (items.WebSearch("rich", "search"), ["→ searched the web: rich"]),
        (items.WebSearch("", "openPage", "http://x"), ["→ opened http://x"]),
        (items.WebSearch("", "findInPage", "http://x", "y"), ["→ looked for 'y' in http://x"]),
        (items.ContextCompaction(), ["· the conversation was summarised to fit the model"]),
        (asked(), ["? waits for a decision: run: git push"]),
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
        (
            asked(resolved("lost", by="", message="the server ended")),
            ["? asked to run: git push", "  · lost, nobody decided: the server ended"],
        ),
        (
            asked(resolved("lost")),
            ["? asked to run: git push", "  · decided by console, but Codex did not get it"],
        ),
        (
            asked(resolved("approved"), ApprovalCorrected("a7", "declined")),
            [
                "? asked to run: git push",
                "  ✓ approved once by console, waited 3.2s",
                "  ! another client's answer came first: declined there",
            ],
        ),
        (items.TurnStart(2), ["", "── turn 2 " + "─" * 50]),
        (
            items.TurnEnd(2, "completed", "", 72, 3400),
            ["", "✓ turn 2 completed · 1m 12s · 3.4k tokens"],
        ),
        (items.TurnEnd(1, "failed", "no network"), ["", "✗ turn 1 failed", "  no network"]),
        (items.TurnEnd(1, "interrupted"), ["", "■ turn 1 interrupted"]),
        (items.TurnEnd(1, "killed"), ["", "† turn 1 killed"]),
        (items.TurnEnd(1, "lost"), ["", "✗ turn 1 lost: Codex stopped"]),
        (items.TurnEnd(1, "lost", "It is gone."), ["", "✗ turn 1 lost", "  It is gone."]),
        (
            items.TurnEnd(1, "rejoined", "It is gone."),
            ["", "· turn 1 was out of reach for a while, and went on"],
        ),
        (items.TurnEnd(1, "eaten"), ["", "? turn 1 eaten"]),
        (items.ErrorMessage("boom"), ["✗ error: boom"]),
        (items.ErrorMessage('{"error": {"message": "boom", "code": 1}}'), ["✗ error: boom"]),
        (
            items.ErrorMessage("boom", will_retry=True),
            ["✗ error: boom · Codex tries again by itself"],
        ),
        (items.WarningMessage("careful"), ["! warning: careful"]),
        (
            items.UnknownItem("hologram", {"type": "hologram", "id": "i", "path": "/a", "n": [1]}),
            ["", "· hologram", "  path: /a", "  n:", "    [", "      1", "    ]"],
        ),
    ],
)
def test_items_are_rendered_by_kind(content: items.ItemContent, rows: list[str]) -> None:
    assert draw(content) == rows


@pytest.mark.parametrize(
    ("content", "last"),
    [
        (command(status="inProgress"), "  ● running"),
        (items.FileChanges((), "inProgress"), "● 0 files, +0 -0: proposed, not applied yet"),
        (items.ToolCall("s", "t"), "  ● running"),
        (items.SubAgentCall(AgentCall("spawnAgent", "inProgress")), "  ● running"),
        (items.Reasoning(), "~ thinking …"),
    ],
)
def test_open_items_say_that_they_are_running(content: items.ItemContent, last: str) -> None:
    assert draw(content, done=False)[-1] == last


@pytest.mark.parametrize(
    ("content", "last"),
    [
        (command(status="inProgress"), "  ■ interrupted"),
        (command(status=items.LEFT_RUNNING), "  ● left running, the turn ended first"),
        (
            items.FileChanges((), "inProgress"),
            "■ 0 files, +0 -0: interrupted, the turn ended first",
        ),
        (items.ToolCall("s", "t"), "  ■ interrupted"),
        (items.SubAgentCall(AgentCall("spawnAgent", "inProgress")), "  ■ interrupted"),
        (items.AgentMessage(GrowingText("I was")), "■ cut off, the turn ended first"),
    ],
)
def test_unfinished_items_say_that_they_are(content: items.ItemContent, last: str) -> None:
    assert draw(content, unfinished=True)[-1] == last


def test_long_output_shows_its_end_and_counts_the_other_lines() -> None:
    run = command("".join(f"line {n}\n" for n in range(1246)), exit_code=0)
    rows = draw(run)
    assert rows[2] == "  … 1,234 more lines"
    assert rows[3:-1] == [f"  line {n}" for n in range(1234, 1246)]


def test_dropped_output_is_counted() -> None:
    run = command()
    run.output = GrowingText(limit=100)
    run.output.append("x\n" * 1000)
    assert run.output.dropped_lines
    assert draw(run)[2] == "  … 988 more lines"


def test_a_very_long_line_of_output_is_clipped() -> None:
    run = command("y" * 1_000_000, exit_code=0)
    rows = draw(run)
    assert len(rows) < 10
    assert "more characters" in "".join(rows)


def test_a_long_command_is_never_cut() -> None:
    words = " ".join(f"argument{n}" for n in range(1000))
    rows = draw(command(command=words))
    shown = "".join(row.removeprefix("$ ").strip() for row in rows)
    assert words.replace(" ", "") in shown.replace(" ", "")


def test_a_long_message_shows_its_start_and_counts_the_other_lines() -> None:
    content = items.UserMessage("\n".join(f"line {n}" for n in range(100)))
    rows = draw(content)
    assert rows[-1] == "  … 60 more lines"


@pytest.mark.parametrize("width", range(12, 40))
@pytest.mark.parametrize(
    "make",
    [
        items.UserMessage,
        items.Remark,
        lambda text: items.SubAgentCall(AgentCall("spawnAgent", "completed", (), "", "m"), text),
    ],
)
def test_prose_has_an_even_left_edge_at_any_width(
    make: Callable[[str], items.ItemContent], width: int
) -> None:
    rows = draw(make("three words each of one line and a few more of them"), width=width)
    first = next(at for at, row in enumerate(rows) if "three" in row)
    further = [row for row in rows[first + 1 :] if row.strip()]
    assert len({len(row) - len(row.lstrip()) for row in further}) == 1


def test_a_long_diff_shows_its_start() -> None:
    content = items.FileChanges((FileChange("a", "add", "x\n" * 100),), "completed")
    assert draw(content)[-1] == "    … 80 more lines"


def test_a_long_tool_result_shows_its_start() -> None:
    content = items.ToolCall("s", "t", None, "completed", "x\n" * 100)
    assert draw(content)[-2] == "  … there is more"


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
def test_a_command_is_shown_without_its_shell(command: str, shown: str) -> None:
    assert strip_shell(command) == shown


def test_markup_is_never_interpreted() -> None:
    markup = "[bold red]x[/bold red] [link=http://evil]y[/link]"
    for content in (
        items.UserMessage(markup),
        items.AgentMessage(GrowingText(markup)),
        command(markup),
    ):
        assert markup in text(render_item(item(content), 100, PALETTE))


def grown(content: items.ItemContent) -> TranscriptItem:
    return TranscriptItem("u", "i", 0, content, 1)


def touch(entry: TranscriptItem) -> None:
    entry.version += 1


def test_an_unchanged_item_is_not_rendered_again() -> None:
    entry = grown(items.AgentMessage(GrowingText("hello")))
    rendered = RenderedItem(entry, 40, PALETTE)
    rows = list(rendered.rows)
    assert rendered.update() == len(rows)
    assert all(a is b for a, b in zip(rows, rendered.rows, strict=True))


def test_a_streaming_message_keeps_its_finished_rows() -> None:
    message = items.AgentMessage(GrowingText("First.\n\nSecond"))
    entry = grown(message)
    rendered = RenderedItem(entry, 40, PALETTE)
    first = rendered.rows[1]
    message.text.append(" grows\n\nThird")
    touch(entry)
    assert rendered.update() >= 3
    assert rendered.rows[1] is first
    assert lines(rendered.rows) == ["", "First.", "", "Second grows", "", "Third"]


def test_a_running_command_keeps_the_rows_above_its_new_output() -> None:
    run = command("a\n", status="inProgress")
    entry = grown(run)
    rendered = RenderedItem(entry, 40, PALETTE)
    prompt = rendered.rows[1]
    run.output.append("b\n")
    touch(entry)
    assert rendered.update() == 3
    assert rendered.rows[1] is prompt


def test_a_message_that_differs_from_its_deltas_is_rendered_again() -> None:
    entry = grown(items.AgentMessage(GrowingText("draft")))
    rendered = RenderedItem(entry, 40, PALETTE)
    entry.content, entry.done = items.AgentMessage(GrowingText("final")), True
    touch(entry)
    assert rendered.update() == 0
    assert lines(rendered.rows) == ["", "final"]


def test_reasoning_replaces_its_placeholder() -> None:
    thoughts = items.Reasoning()
    entry = grown(thoughts)
    rendered = RenderedItem(entry, 40, PALETTE)
    thoughts.summary.append(GrowingText("I see"))
    touch(entry)
    assert rendered.update() == 0
    assert lines(rendered.rows) == ["", "~ I see"]


def test_a_message_says_that_its_start_was_dropped() -> None:
    message = items.AgentMessage(GrowingText(limit=100))
    entry = grown(message)
    rendered = RenderedItem(entry, 60, PALETTE)
    for _ in range(30):
        message.text.append("a line\n\n")
        touch(entry)
        rendered.update()
    assert lines(rendered.rows)[1].endswith("characters before are not kept")


_STEPS = st.lists(TEXTS, min_size=1, max_size=6)


@given(_STEPS, WIDTHS, st.sampled_from(["agent", "plan", "reasoning", "command"]), st.booleans())
def test_an_item_rendered_by_deltas_looks_like_one_rendered_at_once(
    deltas: list[str], width: int, kind: str, done: bool
) -> None:
    text = GrowingText()
    content = {
        "agent": items.AgentMessage(text),
        "plan": items.PlanText(text),
        "reasoning": items.Reasoning([text]),
        "command": items.CommandExecution("ls", output=text),
    }[kind]
    entry = grown(content)
    rendered = RenderedItem(entry, width, PALETTE)
    for delta in deltas:
        before = looks(rendered.rows)
        text.append(delta)
        touch(entry)
        first = rendered.update()
        assert looks(rendered.rows)[:first] == before[:first]
    entry.done = done
    touch(entry)
    rendered.update()
    assert looks(rendered.rows) == looks(render_item(entry, width, PALETTE))


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
_CONTENTS: st.SearchStrategy[items.ItemContent] = st.one_of(
    st.builds(items.UserMessage, TEXTS, st.booleans()),
    st.builds(items.AgentMessage, _GROWING),
    st.builds(items.Reasoning, st.lists(_GROWING, max_size=3), st.lists(_GROWING, max_size=3)),
    st.builds(items.PlanText, _GROWING),
    st.builds(
        items.CommandExecution,
        TEXTS,
        _WORDS,
        _GROWING,
        st.none() | st.integers(),
        st.none() | st.integers(),
    ),
    st.builds(items.FileChanges, _CHANGES, _WORDS),
    st.builds(items.ToolCall, TEXTS, TEXTS, _JSON, _WORDS, _JSON, TEXTS, st.none() | st.integers()),
    st.builds(items.Remark, TEXTS),
    st.builds(items.WebSearch, TEXTS, _WORDS, TEXTS, TEXTS),
    st.builds(
        items.ApprovalItem,
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
        st.none() | st.builds(ApprovalCorrected, TEXTS, TEXTS),
    ),
    st.builds(items.TurnStart, st.integers(0, 10**9)),
    st.builds(
        items.TurnEnd,
        st.integers(0, 10**9),
        _WORDS,
        TEXTS,
        st.none() | st.floats(),
        st.none() | st.integers(),
    ),
    st.builds(items.ErrorMessage, TEXTS, st.booleans()),
    st.builds(items.WarningMessage, TEXTS),
    st.builds(items.UnknownItem, TEXTS, st.dictionaries(TEXTS, _JSON, max_size=3)),
    st.just(items.ContextCompaction()),
)


@given(_CONTENTS, WIDTHS, st.booleans(), st.booleans())
def test_rows_of_any_item_fit_and_are_harmless(
    content: items.ItemContent, width: int, done: bool, unfinished: bool
) -> None:
    entry = item(content, done=done, unfinished=unfinished)
    for strip in render_item(entry, width, PALETTE):
        assert strip.cell_length <= width
        assert is_harmless(strip.text)


@pytest.mark.parametrize(
    ("flags", "command_ends", "text_ends"),
    [
        ({}, "  ● running", "I was"),
        ({"waits": True}, "  ? waits for a decision", "I was"),
        ({"lost": True}, "  ■ cut off, the server stopped", "■ cut off, the server stopped"),
        (
            {"waits": True, "lost": True},
            "  ■ cut off, the server stopped",
            "■ cut off, the server stopped",
        ),
    ],
)
def test_an_open_item_says_how_it_stands(
    flags: dict[str, bool], command_ends: str, text_ends: str
) -> None:
    for content, end in (
        (command(status="inProgress"), command_ends),
        (items.ToolCall("s", "t"), command_ends),
        (items.AgentMessage(GrowingText("I was")), text_ends),
    ):
        one = item(content, done=False)
        for name, value in flags.items():
            setattr(one, name, value)
        assert lines(render_item(one, 60, PALETTE))[-1] == end
