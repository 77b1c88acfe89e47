"""`codextui approvals`, `approve`, `decline` and `answer`."""

from __future__ import annotations

from typing import Any

import pytest
from client.fake_server import FakeServer, Frame
from commands.command_line import approval, offer

from codextui.errors import ApprovalGone
from codextui.protocol.approvals import (
    Approval,
    Asked,
    CommandAsked,
    ElicitationAsked,
    FileChange,
    PatchAsked,
    Question,
    QuestionsAsked,
    UnknownAsked,
)
from codextui.protocol.decisions import Scope


async def test_approvals_shows_a_long_command_completely(server: FakeServer, run: Any) -> None:
    command = "echo " + " ".join(f"word{n}" for n in range(2_000)) + "\nrm -r /important"
    offer(server, approval(CommandAsked(command, "/work", "it must", rule=("echo", "a b"))))
    ran = await run("approvals")
    assert ran.lines[0].startswith("a7  backend  command  waits 12s")
    assert command.split("\n")[0] in ran.out
    assert "    rm -r /important" in ran.lines
    assert "reason: it must" in ran.out
    assert "begins with: echo 'a b'" in ran.out


async def test_approvals_shows_a_patch_as_a_diff(server: FakeServer, run: Any) -> None:
    diff = "@@ -1 +1 @@\n-old\n+new\n" + "".join(f"+line {n}\n" for n in range(3_000))
    offer(server, approval(PatchAsked((FileChange("src/a.py", "update", diff, "src/b.py"),))))
    ran = await run("approvals")
    assert "update src/a.py -> src/b.py" in ran.out
    assert [line.strip() for line in ran.lines].count("+line 2999") == 1


async def test_approvals_as_json_prints_one_approval_per_line(server: FakeServer, run: Any) -> None:
    asked = [approval(CommandAsked("ls")), approval(PatchAsked(()), "a8")]
    offer(server, *asked)
    ran = await run("approvals", "--json")
    assert [Approval.from_json(row) for row in ran.objects] == asked


async def test_what_is_wrong_with_the_server_is_a_note_beside_every_result(
    server: FakeServer, run: Any
) -> None:
    asked = approval(CommandAsked("ls"))
    answer = {"approvals": [asked.to_json()], "warning": "the disk is full"}
    server.tools["codex-approvals"] = lambda _: answer
    ran = await run("approvals", "--json")
    assert [Approval.from_json(row) for row in ran.objects] == [asked]
    assert ran.err == "warning: the disk is full\n"


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        (["approve", "a7"], {"decision": "approved"}),
        (["approve", "a7", "--session"], {"decision": "approved_for_session"}),
        (["decline", "a7"], {"decision": "denied"}),
        (
            ["decline", "a7", "--message", "use make"],
            {"decision": "denied", "message": "use make"},
        ),
        (["decline", "a7", "--stop"], {"decision": "abort"}),
    ],
)
async def test_a_decision_is_sent_to_the_server(
    server: FakeServer, run: Any, line: list[str], arguments: Frame
) -> None:
    given = offer(server, approval(CommandAsked("make")))
    ran = await run(*line)
    assert (ran.code, ran.out) == (0, f"a7 {arguments['decision']}\n")
    assert given == [{"approval": "a7", **arguments}]


async def test_always_prints_the_rule_before_it_is_accepted(server: FakeServer, run: Any) -> None:
    given = offer(server, approval(CommandAsked("git push origin", rule=("git", "push"))))
    ran = await run("approve", "a7", "--always")
    assert "every command that begins with git push may run" in ran.err
    assert given == [{"approval": "a7", "decision": "approved_always"}]


@pytest.mark.parametrize(
    ("asked", "line", "complaint"),
    [
        (CommandAsked("ls"), ["--always"], "proposes no rule"),
        (PatchAsked(()), ["--always"], "no rule for file changes"),
        (UnknownAsked("new/thing", {}), [], "only be declined"),
        (QuestionsAsked((Question("q", "", "Which?"),)), [], "codextui answer"),
        (ElicitationAsked("s", "form", "m", {"properties": {"a": {}}}), [], "codextui answer"),
    ],
)
async def test_an_approval_that_does_not_fit_the_request_is_not_sent(
    server: FakeServer, run: Any, asked: Asked, line: list[str], complaint: str
) -> None:
    given = offer(server, approval(asked))
    ran = await run("approve", "a7", *line)
    assert ran.code == 2
    assert complaint in ran.err
    assert given == []


async def test_what_codex_does_not_list_is_not_sent(server: FakeServer, run: Any) -> None:
    once = CommandAsked("make", available=(Scope.ONCE,), human=True)
    given = offer(server, approval(once), approval(CommandAsked("make", available=()), "a8"))
    assert "decided each time" in (await run("approve", "a7", "--session")).err
    assert "can only be declined" in (await run("approve", "a8")).err
    assert not given
    assert (await run("approve", "a7")).code == 0


async def test_a_decision_on_an_unknown_approval_is_an_error(server: FakeServer, run: Any) -> None:
    offer(server)
    ran = await run("approve", "a9")
    assert ran.code == 1
    assert "codextui approvals" in ran.err


async def test_a_late_decision_is_an_error(server: FakeServer, run: Any) -> None:
    offer(server, approval(CommandAsked("make")))

    def gone(_: Frame) -> Frame:
        raise ApprovalGone("a7 was approved by another console")

    server.tools["codex-answer"] = gone
    ran = await run("approve", "a7")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "codextui: a7 was approved by another console\n"


@pytest.mark.parametrize(
    ("asked", "answers", "content"),
    [
        (QuestionsAsked((Question("q1", "", "?"),)), ["Blue"], {"q1": ["Blue"]}),
        (QuestionsAsked((Question("q1", "", "?"),)), ["q1=Blue"], {"q1": ["Blue"]}),
        (
            QuestionsAsked((Question("q1", "", "?"), Question("q2", "", "?"))),
            ["q2=b=c", "q1=a"],
            {"q1": ["a"], "q2": ["b=c"]},
        ),
        (
            ElicitationAsked(
                "s",
                "form",
                "m",
                {"properties": {"n": {"type": "integer"}, "s": {"type": "string"}}},
            ),
            ["n=7", "s=7"],
            {"n": 7, "s": "7"},
        ),
    ],
)
async def test_answers_are_read_by_name_and_type(
    server: FakeServer, run: Any, asked: Asked, answers: list[str], content: Frame
) -> None:
    given = offer(server, approval(asked))
    ran = await run("answer", "a7", *answers)
    assert ran.code == 0, ran.err
    assert given == [{"approval": "a7", "decision": "answered", "answers": content}]


@pytest.mark.parametrize(
    ("asked", "answers", "complaint"),
    [
        (CommandAsked("ls"), ["yes"], "asks no question"),
        (QuestionsAsked((Question("q1", "", "?"), Question("q2", "", "?"))), ["q1=a"], "q2=ANSWER"),
        (QuestionsAsked((Question("q1", "", "?"), Question("q2", "", "?"))), ["a"], "q1, q2"),
        (
            ElicitationAsked("s", "form", "m", {"properties": {"n": {"type": "integer"}}}),
            ["n=seven"],
            "'seven' is no integer",
        ),
    ],
)
async def test_answers_that_do_not_fit_are_not_sent(
    server: FakeServer, run: Any, asked: Asked, answers: list[str], complaint: str
) -> None:
    given = offer(server, approval(asked))
    ran = await run("answer", "a7", *answers)
    assert ran.code == 2
    assert complaint in ran.err
    assert given == []
