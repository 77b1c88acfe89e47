"""What clients of `codex mcp-server` do: one function per scenario."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stage import Play, Scenario, Stage

from codextui.demo import Call, Fail, ModelRequest, Patch, Run, Say, Step, Think

SCENARIOS: dict[str, Scenario] = {}
"""All scenarios by name."""


def scenario(**options: Any) -> Callable[[Play], Play]:
    """Add a function to SCENARIOS under its own name."""

    def add(function: Play) -> Play:
        name = str(getattr(function, "__name__", "")).replace("_", "-")
        SCENARIOS[name] = Scenario(name, function, **options)
        return function

    return add


@scenario()
async def handshake(stage: Stage) -> None:
    """`initialize`, which every scenario sends, and the list of tools."""
    await stage.peer.answer_of(stage.peer.request("tools/list", {}))
    await stage.peer.answer_of(stage.peer.request("ping", {}))


@scenario()
async def plain_turn(stage: Stage) -> None:
    stage.script.on("greet", [Think("They said hello."), Say("Hello there friend.")])
    await stage.peer.answer_of(stage.codex("greet me"))


@scenario()
async def two_messages(stage: Stage) -> None:
    """The last message is the answer."""
    stage.script.on("tell", [Say("I will look."), Run("echo looked")], Say("I have looked."))
    await stage.peer.answer_of(stage.codex("tell me"))


@scenario()
async def reply(stage: Stage) -> None:
    stage.script.on("first", Say("One.")).on("second", Say("Two."))
    first = stage.codex("the first")
    answer = await stage.peer.answer_of(first)
    thread = answer["result"]["structuredContent"]["threadId"]
    await stage.peer.answer_of(stage.reply(thread, "the second"))


@scenario()
async def reply_by_conversation_id(stage: Stage) -> None:
    stage.script.on("first", Say("One.")).on("second", Say("Two."))
    answer = await stage.peer.answer_of(stage.codex("the first"))
    thread = answer["result"]["structuredContent"]["threadId"]
    second = stage.peer.call("codex-reply", conversationId=thread, prompt="the second")
    await stage.peer.answer_of(second)


@scenario()
async def options(stage: Stage) -> None:
    """Every option of a new thread."""
    stage.script.on("greet", Say("Hello."))
    call = stage.codex(
        "greet me",
        model="gpt-5.2",
        sandbox="danger-full-access",
        approval_policy="never",
        base_instructions="You are a greeter.",
        developer_instructions="Be short.",
        config={"model_reasoning_effort": "low"},
    )
    await stage.peer.answer_of(call)


@scenario()
async def sandboxed_commands(stage: Stage) -> None:
    """Commands without approval: how they are parsed, their output, their end."""
    (stage.workspace / "notes.txt").write_text("one\ntwo\n")
    stage.script.on(
        "look",
        Run("cat notes.txt"),
        Run("rg two ."),
        Run("ls ."),
        Run("sed -n 1,2p notes.txt && echo done"),
        Run("echo \"it's $HOME\" `true` 'a\\b' | wc -l"),
        Run("echo said >&2; exit 3"),
        Say("Seen."),
    )
    await stage.peer.answer_of(stage.codex("look around"))


@scenario()
async def streamed_output(stage: Stage) -> None:
    """A command with output over time."""
    stage.script.on("count", Run("for n in 1 2 3; do sleep 0.3; echo $n; done"), Say("Counted."))
    await stage.peer.answer_of(stage.codex("count"))


@scenario()
async def writable_roots(stage: Stage) -> None:
    stage.script.on("greet", Say("Hello."))
    roots = {"writable_roots": [str(stage.outside)], "network_access": True}
    sandbox = {"sandbox_workspace_write": {**roots, "exclude_slash_tmp": True}}
    await stage.peer.answer_of(stage.codex("greet me", config=sandbox))


async def _answered_approval(stage: Stage, decision: Any = None, *, result: Any = None) -> int:
    """Answer the approval of a command; return the call without waiting for its end."""
    stage.script.on(
        "leave",
        Run("echo left > ../outside/file", escalate=True, justification="It is outside."),
        Say("Done."),
    )
    call = stage.codex("leave the sandbox")
    elicitation = await stage.peer.elicited()
    answer = {"action": "accept", "decision": decision} if result is None else result
    stage.peer.answer(elicitation, answer)
    return call


@scenario()
async def command_approved(stage: Stage) -> None:
    await stage.peer.answer_of(await _answered_approval(stage, "approved"))


@scenario()
async def command_denied(stage: Stage) -> None:
    call = await _answered_approval(stage, {"denied": {"rejection": "Use the workspace."}})
    await stage.peer.answer_of(call)


@scenario()
async def command_denied_without_a_reason(stage: Stage) -> None:
    """A decision that 0.153.4 does not know."""
    call = await _answered_approval(stage, "denied")
    await stage.peer.answer_of(call)


@scenario(waits_for_events=True)
async def command_aborted(stage: Stage) -> None:
    call = await _answered_approval(stage, "abort")
    await stage.peer.event("turn_aborted", call=call)
    await stage.peer.probe()


@scenario()
async def command_approved_for_session(stage: Stage) -> None:
    """The same command needs no approval the second time."""
    run = Run("echo left > ../outside/file", escalate=True, justification="It is outside.")
    stage.script.on("leave", run, run, Say("Done twice."))
    call = stage.codex("leave the sandbox")
    elicitation = await stage.peer.elicited()
    stage.peer.answer(elicitation, {"action": "accept", "decision": "approved_for_session"})
    await stage.peer.answer_of(call)


@scenario(waits_for_events=True)
async def command_approved_by_amendment(stage: Stage) -> None:
    """The rule holds for the next thread too."""
    run = Run("touch ../outside/file", escalate=True, justification="It is outside.")
    stage.script.on("leave", run, Say("Done.")).on("again", run, Say("Done again."))
    call = stage.codex("leave the sandbox")
    elicitation = await stage.peer.elicited()
    request = await stage.peer.event("exec_approval_request")
    rule = request["params"]["msg"]["proposed_execpolicy_amendment"]
    amendment = {"approved_execpolicy_amendment": {"proposed_execpolicy_amendment": rule}}
    stage.peer.answer(elicitation, {"action": "accept", "decision": amendment})
    await stage.peer.answer_of(call)
    await stage.peer.answer_of(stage.codex("and again"))


@scenario()
async def two_commands_asked_about(stage: Stage) -> None:
    """Both are in one response of the model, and neither runs before both are decided."""
    first = Run("echo one > ../outside/one", escalate=True, justification="It is outside.")
    second = Run("echo two > ../outside/two", escalate=True, justification="It is outside too.")
    stage.script.on("leave", [first, second], Say("Done."))
    call = stage.codex("leave the sandbox")
    asked = [await stage.peer.elicited(1), await stage.peer.elicited(2)]
    asked.sort(key=lambda elicitation: str(elicitation["params"]["codex_call_id"]))
    stage.peer.answer(asked[0], {"action": "accept", "decision": "approved"})
    stage.peer.answer(asked[1], {"action": "accept", "decision": {"denied": {"rejection": ""}}})
    await stage.peer.answer_of(call)


@scenario()
async def command_accepted_plainly(stage: Stage) -> None:
    """The answer of any client that follows the specification."""
    call = await _answered_approval(stage, result={"action": "accept", "content": {}})
    await stage.peer.answer_of(call)


@scenario()
async def command_declined_plainly(stage: Stage) -> None:
    call = await _answered_approval(stage, result={"action": "decline"})
    await stage.peer.answer_of(call)


@scenario()
async def command_cancelled_plainly(stage: Stage) -> None:
    call = await _answered_approval(stage, result={"action": "cancel"})
    await stage.peer.answer_of(call)


@scenario()
async def command_declined_with_an_approval(stage: Stage) -> None:
    """An answer that contradicts itself."""
    call = await _answered_approval(stage, result={"action": "decline", "decision": "approved"})
    await stage.peer.answer_of(call)


@scenario()
async def command_refused_by_an_error(stage: Stage) -> None:
    stage.script.on("leave", Run("true", escalate=True, justification="why"), Say("Done."))
    stage.codex("leave the sandbox")
    elicitation = await stage.peer.elicited()
    stage.peer.refuse(elicitation, -32601, "Method not found")
    await stage.peer.probe()


@scenario(elicitation=False, waits_for_events=True)
async def command_of_a_client_that_cannot_be_asked(stage: Stage) -> None:
    stage.script.on("leave", Run("true", escalate=True, justification="why"), Say("Done."))
    stage.codex("leave the sandbox")
    await stage.peer.event("exec_approval_request")
    await stage.peer.probe()


CHANGES = """\
*** Begin Patch
*** Add File: added.txt
+new
*** Update File: changed.txt
@@
-old
+newer
*** Update File: moved.txt
*** Move to: sub/moved.txt
@@
-here
+there
*** Delete File: gone.txt
*** End Patch
"""


def _prepare(stage: Stage) -> None:
    for name, text in (("changed", "old\nkept\n"), ("moved", "here\n"), ("gone", "bye\n")):
        (stage.workspace / f"{name}.txt").write_text(text)


@scenario()
async def patch(stage: Stage) -> None:
    """Every kind of change, none of which needs approval."""
    _prepare(stage)
    stage.script.on("change", Patch(CHANGES), Say("Changed."))
    await stage.peer.answer_of(stage.codex("change the files"))


@scenario()
async def patch_approved(stage: Stage) -> None:
    _prepare(stage)
    stage.script.on("change", Patch(CHANGES), Say("Changed."))
    call = stage.codex("change the files", sandbox="read-only")
    answer = {"action": "accept", "decision": "approved"}
    stage.peer.answer(await stage.peer.elicited(), answer)
    await stage.peer.answer_of(call)


@scenario()
async def patch_denied(stage: Stage) -> None:
    stage.script.on("change", Patch.add("a.txt", "one\n"), Say("Then not."))
    call = stage.codex("change the files", sandbox="read-only")
    denied = {"denied": {"rejection": "Not that file."}}
    answer = {"action": "accept", "decision": denied}
    stage.peer.answer(await stage.peer.elicited(), answer)
    await stage.peer.answer_of(call)


@scenario(waits_for_events=True)
async def patch_aborted(stage: Stage) -> None:
    stage.script.on("change", Patch.add("a.txt", "one\n"), Say("Then not."))
    call = stage.codex("change the files", sandbox="read-only")
    stage.peer.answer(await stage.peer.elicited(), {"action": "accept", "decision": "abort"})
    await stage.peer.event("turn_aborted", call=call)
    await stage.peer.probe()


@scenario()
async def patch_that_does_not_fit(stage: Stage) -> None:
    stage.script.on("change", Patch.update("none.txt", "a", "b"), Say("It does not fit."))
    await stage.peer.answer_of(stage.codex("change the files"))


@scenario(waits_for_events=True)
async def cancelled_while_it_speaks(stage: Stage) -> None:
    gate = asyncio.Event()
    stage.script.on("speak", Say("word after word", gate=gate))
    call = stage.codex("speak")
    await stage.peer.event("agent_message_content_delta", call=call)
    stage.peer.cancel(call)
    await stage.peer.event("turn_aborted", call=call)
    await stage.peer.probe()


@scenario(waits_for_events=True)
async def cancelled_while_a_command_runs(stage: Stage) -> None:
    stage.script.on("run", Run("sleep 600"), Say("Slept."))
    call = stage.codex("run it")
    await stage.peer.event("exec_command_begin", call=call)
    stage.peer.cancel(call)
    await stage.peer.event("turn_aborted", call=call)
    await stage.peer.probe()


@scenario(waits_for_events=True)
async def cancelled_while_it_asks(stage: Stage) -> None:
    stage.script.on("leave", Run("true", escalate=True, justification="why"), Say("Done."))
    call = stage.codex("leave the sandbox")
    await stage.peer.elicited()
    stage.peer.cancel(call)
    await stage.peer.event("turn_aborted", call=call)
    await stage.peer.probe()


@scenario(waits_for_events=True)
async def second_reply_to_a_running_thread(stage: Stage) -> None:
    gate = asyncio.Event()
    stage.script.on("also", Say("That too."))
    stage.script.on("speak", Say("word after word", gate=gate))
    first = stage.codex("speak")
    thread = await stage.thread_of(first)
    await stage.peer.event("agent_message_content_delta", call=first)
    second = stage.reply(thread, "and also this")
    await stage.peer.probe()
    gate.set()
    await stage.peer.wait_for(lambda f: "method" not in f and f.get("id") in (first, second))
    await stage.peer.probe()


@scenario()
async def unknown_threads(stage: Stage) -> None:
    for thread in ("01a202ef-7236-78c1-9b5a-252b88569098", "nothing", ""):
        await stage.peer.answer_of(stage.reply(thread, "go on"))


@scenario()
async def bad_arguments(stage: Stage) -> None:
    peer = stage.peer
    requests: list[dict[str, Any]] = [
        {"name": "codex", "arguments": {}},
        {"name": "codex"},
        {"name": "codex", "arguments": {"prompt": 3}},
        {"name": "codex", "arguments": {"prompt": "x", "sandbox": "none"}},
        {"name": "codex", "arguments": {"prompt": "x", "approval-policy": "always"}},
        {"name": "codex", "arguments": {"prompt": "x", "colour": "red"}},
        {"name": "codex", "arguments": {"prompt": "x", "config": []}},
        {"name": "codex-reply", "arguments": {"prompt": "x"}},
        {"name": "codex-reply", "arguments": {"threadId": "x"}},
        {"name": "codex-reply", "arguments": {"threadId": 1, "prompt": "x"}},
        {"name": "codex-reply"},
        {"name": "codex-nothing", "arguments": {}},
    ]
    for params in requests:
        await peer.answer_of(peer.request("tools/call", params))
    await peer.answer_of(peer.request("no/such/method", {}))


@scenario(waits_for_events=True)
async def model_refuses(stage: Stage) -> None:
    stage.script.on("greet", Fail(400, "The model is out of order.")).on("once", Say("Hello."))
    first = stage.codex("greet me")
    await stage.peer.answer_of(first)
    thread = await stage.thread_of(first)
    await stage.peer.answer_of(stage.reply(thread, "once more"))


@scenario()
async def model_breaks_off(stage: Stage) -> None:
    stage.script.on("greet", [Say("I will"), Fail(0, "The model broke off.")])
    await stage.peer.answer_of(stage.codex("greet me"))


@scenario()
async def model_hangs_up(stage: Stage) -> None:
    stage.script.on("greet", Fail(-1))
    await stage.peer.answer_of(stage.codex("greet me"))


@scenario()
async def model_answers_at_the_second_try(stage: Stage) -> None:
    stage.script.on("greet", Fail(-1), Say("Hello."))
    retries = {"model_providers.script.stream_max_retries": 1}
    await stage.peer.answer_of(stage.codex("greet me", config=retries))


STUB = Path(__file__).parent / "stub_tools.py"

TOOL_SERVERS = f"""\
[mcp_servers.stub]
command = {json.dumps(sys.executable)}
args = [{json.dumps(str(STUB))}]
[mcp_servers.broken]
command = "/bin/false"
"""


@scenario(config=TOOL_SERVERS)
async def tool_servers(stage: Stage) -> None:
    """Codex's own MCP servers: one that works, and one that does not start."""
    stage.script.on(
        "echo",
        Call("echo", {"text": "hello"}, namespace="mcp__stub"),
        Call("echo", {"text": "fail"}, namespace="mcp__stub"),
        Say("Heard."),
    )
    await stage.peer.answer_of(stage.codex("echo it"))


DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@scenario()
async def image(stage: Stage) -> None:
    """The model views an image."""
    (stage.workspace / "dot.png").write_bytes(DOT)
    stage.script.on("look", Call("view_image", {"path": "dot.png"}), Say("A dot."))
    await stage.peer.answer_of(stage.codex("look at it"))


@scenario()
async def input_for_a_command(stage: Stage) -> None:
    """A command runs in the background and gets input."""

    def tell(request: ModelRequest) -> list[Step]:
        found = re.search(r"session ID (\d+)", request.last_output or "")
        number = int(found[1]) if found else 0
        return [Call("write_stdin", {"session_id": number, "chars": "hello\n"})]

    command = {"cmd": "read line; echo got $line", "tty": True, "yield_time_ms": 250}
    ask = Call("exec_command", command)
    stage.script.on("ask", ask, tell, Say("Told."))
    await stage.peer.answer_of(stage.codex("ask me"))
