"""Calls of app-server: the parameters sent, and how the results are parsed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from codextui.codex import calls
from codextui.codex.app_server import AppServer
from codextui.codex.calls import (
    fork_thread,
    interrupt_turn,
    read_config_problem,
    read_turns,
    resume_thread,
    start_thread,
    start_turn,
    steer_turn,
)
from codextui.codex.endpoint import NO_ANSWER
from codextui.codex.threads import LoadedThread, ThreadOptions
from codextui.errors import (
    CodexFailed,
    MessageInvalid,
    ThreadUnknown,
    TurnNotRunning,
)
from codextui.jsonrpc.fields import JsonObject

THREAD = {
    "id": "t",
    "name": "backend",
    "preview": "Do it.",
    "forkedFromId": "s",
    "gitInfo": {"branch": "main"},
    "cwd": "/w",
}
STARTED = {
    "thread": THREAD,
    "cwd": "/w",
    "model": "m",
    "sandbox": {"type": "workspaceWrite", "writableRoots": []},
    "approvalPolicy": "on-request",
}


class Answering:
    """An app-server that gives prepared answers and records the calls."""

    def __init__(self, *answers: JsonObject | Exception, home: Path = Path("/home")) -> None:
        self.asked: list[tuple[str, JsonObject]] = []
        self.home = home
        self.address = ""
        self.config_errors: list[str] = []
        self.mark = ""
        self._answers = list(answers)

    async def call(self, method: str, params: JsonObject, *, timeout_s: float = 0) -> JsonObject:
        self.asked.append((method, params))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def app(self) -> AppServer:
        return cast("AppServer", self)


async def test_commands_have_the_mark_whatever_they_may_inherit() -> None:
    server = Answering(STARTED)
    server.mark = "0f.1.2.3e"
    await start_thread(server.app)
    ((_, params),) = server.asked
    assert params["config"] == {"shell_environment_policy.set.CODEXTUI_APP_SERVER": "0f.1.2.3e"}


async def test_only_the_options_that_are_set_are_sent() -> None:
    server = Answering(STARTED, STARTED)
    options = ThreadOptions(
        model="m",
        cwd="/w",
        sandbox="read-only",
        approval_policy="never",
        base_instructions="b",
        developer_instructions="d",
        compact_prompt="c",
        config={"a.b": 1},
    )
    started = await start_thread(server.app, options)
    await start_thread(server.app)
    assert server.asked == [
        (
            "thread/start",
            {
                "model": "m",
                "cwd": "/w",
                "sandbox": "read-only",
                "approvalPolicy": "never",
                "baseInstructions": "b",
                "developerInstructions": "d",
                "config": {"a.b": 1, "compact_prompt": "c"},
            },
        ),
        ("thread/start", {}),
    ]
    assert started == LoadedThread(
        thread_id="t",
        cwd="/w",
        model="m",
        sandbox="workspace-write",
        approval_policy="on-request",
        branch="main",
        name="backend",
        preview="Do it.",
        forked_from="s",
    )


@pytest.mark.parametrize(
    ("sandbox", "policy", "words"),
    [
        ({"type": "readOnly"}, "untrusted", ("read-only", "untrusted")),
        ({"type": "dangerFullAccess"}, "never", ("danger-full-access", "never")),
        ({"type": "externalSandbox"}, {"granular": {}}, ("externalSandbox", "granular")),
        (None, None, ("", "")),
    ],
)
async def test_sandbox_and_policy_are_in_the_words_of_the_configuration(
    sandbox: object, policy: object, words: tuple[str, str]
) -> None:
    server = Answering({**STARTED, "sandbox": sandbox, "approvalPolicy": policy})
    started = await start_thread(server.app)
    assert (started.sandbox, started.approval_policy) == words


async def test_resuming_returns_the_last_turns_oldest_first() -> None:
    page = {"data": [{"id": "u2"}, {"id": "u1"}]}
    server = Answering({**STARTED, "initialTurnsPage": page}, STARTED)
    resumed = await resume_thread(server.app, "t", last_turns=2)
    await resume_thread(server.app, "t", last_turns=0)
    assert [turn["id"] for turn in resumed.turns] == ["u1", "u2"]
    first, second = (params for _, params in server.asked)
    assert first["initialTurnsPage"] == {
        "limit": 2,
        "itemsView": "full",
        "sortDirection": "desc",
    }
    assert "initialTurnsPage" not in second
    assert first["excludeTurns"] is second["excludeTurns"] is True


async def test_a_fork_can_end_at_a_turn() -> None:
    server = Answering(STARTED, STARTED)
    await fork_thread(server.app, "s", ThreadOptions(sandbox="read-only"), last_turn_id="u1")
    await fork_thread(server.app, "s")
    assert [params for _, params in server.asked] == [
        {"threadId": "s", "excludeTurns": True, "sandbox": "read-only", "lastTurnId": "u1"},
        {"threadId": "s", "excludeTurns": True},
    ]


async def test_a_turn_is_started_with_a_schema_and_a_model() -> None:
    server = Answering({"turn": {"id": "u"}})
    schema = {"type": "object"}
    turn = await start_turn(
        server.app, "t", "go", client_message_id="m1", output_schema=schema, model="m"
    )
    assert turn == "u"
    assert server.asked == [
        (
            "turn/start",
            {
                "threadId": "t",
                "input": [{"type": "text", "text": "go"}],
                "clientUserMessageId": "m1",
                "outputSchema": schema,
                "model": "m",
            },
        )
    ]


async def test_a_prompt_that_is_too_long_is_not_sent() -> None:
    server = Answering({"turn": {"id": "u"}})
    longest = "x" * calls.MAX_INPUT_CHARS
    for send in (start_turn, _steer):
        with pytest.raises(CodexFailed, match="1,048,577 characters"):
            await send(server.app, "t", longest + "x", client_message_id="m1")
    assert server.asked == []
    assert await start_turn(server.app, "t", longest, client_message_id="m1") == "u"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("thread not found: t", ThreadUnknown),
        ("no rollout found for thread id t", ThreadUnknown),
        ("no active turn to interrupt", TurnNotRunning),
        ("expected active turn id a but found b", TurnNotRunning),
        ("something else", CodexFailed),
    ],
)
async def test_a_refusal_raises_the_error_it_means(said: str, kind: type[Exception]) -> None:
    server = Answering(CodexFailed(said, code=-32600), CodexFailed(said, code=-32600))
    with pytest.raises(kind, match=said):
        await interrupt_turn(server.app, "t", "u")
    with pytest.raises(kind, match=said):
        await _steer(server.app, "t", "go", client_message_id="m1")


async def test_an_unanswered_interrupt_means_that_the_turn_does_not_run() -> None:
    server = Answering(CodexFailed("no answer", code=NO_ANSWER))
    with pytest.raises(TurnNotRunning):
        await interrupt_turn(server.app, "t", "u")


async def test_all_pages_of_turns_are_read_and_returned_oldest_first() -> None:
    server = Answering(
        {"data": [{"id": "u3"}, {"id": "u2"}], "nextCursor": "c1"},
        {"data": [{"id": "u1"}], "nextCursor": None},
    )
    assert [turn["id"] for turn in await read_turns(server.app, "t")] == ["u1", "u2", "u3"]
    assert [params["cursor"] for _, params in server.asked] == [None, "c1"]


async def test_endless_pages_of_turns_are_cut_off() -> None:
    empty = Answering({"data": [], "nextCursor": "again"})
    assert await read_turns(empty.app, "t") == []
    full: Any = [{"data": [{"id": "u"}] * 100, "nextCursor": "again"}] * 3
    endless = Answering(*full)
    assert len(await read_turns(endless.app, "t", limit=250)) == 250


async def test_a_malformed_result_raises_message_invalid() -> None:
    for answer in ({}, {"thread": []}, {"thread": {"id": 7}}):
        with pytest.raises(MessageInvalid):
            await start_thread(Answering(answer).app)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            "failed to read configuration layers: /home/config.toml:1:13: invalid basic string",
            "/home/config.toml:1:13: invalid basic string.",
        ),
        (
            "invalid configuration: expected a string\nin `model`\n",
            "/home/config.toml:7:9: expected a string.",
        ),
        (
            "invalid configuration: unknown variant `x`\nin `sandbox_mode`\n",
            "/home/config.toml: unknown variant `x` in `sandbox_mode`.",
        ),
        ("failed to load configuration: ", "/home/config.toml: ."),
    ],
)
async def test_what_is_wrong_with_the_configuration_is_said_with_its_place(
    message: str, said: str
) -> None:
    server = Answering(CodexFailed(message))
    server.config_errors.append("/home/config.toml:7:9: expected a string")
    problem = await read_config_problem(server.app)
    assert f"Codex cannot use its configuration: {said}" in problem


async def test_a_configuration_that_is_read_or_cannot_be_asked_for_is_no_problem() -> None:
    refused = CodexFailed("Invalid request: unknown variant `config/read`")
    assert await read_config_problem(Answering(refused).app) == ""
    assert await read_config_problem(Answering({}).app) == ""


async def test_single_settings_override_the_profile(tmp_path: Path) -> None:
    (tmp_path / "careful.config.toml").write_text('model = "m"\n[tools]\nweb = true\n')
    server = Answering(STARTED, home=tmp_path)
    await start_thread(server.app, ThreadOptions(profile="careful", config={"model": "n"}))
    assert server.asked[0][1] == {"config": {"model": "n", "tools": {"web": True}}}


async def _steer(app: AppServer, thread: str, prompt: str, *, client_message_id: str) -> None:
    await steer_turn(app, thread, "u", prompt, client_message_id=client_message_id)
