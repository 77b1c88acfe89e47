"""Clients that nobody here wrote, in both eras of the protocol, on stdio and by HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import mcp_types as types
import pytest
from agents import Agent, RunConfig, Runner
from agents.mcp import MCPServerStdio, MCPServerStreamableHttp
from agents.testing import ScriptedModel, assistant_message, function_call
from clients.installed import HERE, Installed
from clients.machine import THREAD_ID, VISITS, Machine, Visit
from clients.seen import HANDSHAKE, MODERN, Seen, output_of
from contract.listener import Listener, listening
from contract.serving import PATIENCE_S, Console
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from codextui.demo import write_codex_home
from codextui.protocol import events as ev
from codextui.protocol.approvals import ElicitationAsked
from codextui.protocol.decisions import Answered, Approved, Decision, Scope

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]


@dataclass(frozen=True)
class Calling:
    """One client's visit."""

    machine: Machine
    installed: Installed
    visit: Visit
    transport: str
    era: str

    @property
    def server(self) -> dict[str, Any]:
        return self.machine.reached_by(self.transport)


async def inspector(calling: Calling) -> Seen:
    """The MCP Inspector's CLI, which makes one request each time that it is run."""
    node, folder = calling.installed.node
    server = calling.server
    name = {"type": "stdio", **server}
    if "url" in server:
        headers = {"Authorization": f"Bearer {server['token']}"}
        name = {"type": "streamable-http", "url": server["url"], "headers": headers}
    config = calling.machine.folder / f"inspector-{calling.transport}-{calling.era}.json"
    config.write_text(json.dumps({"mcpServers": {"codextui": name}}))
    program = folder / "node_modules" / ".bin" / "mcp-inspector"
    era = "legacy" if calling.era == HANDSHAKE else "modern"
    options = ("--cli", "--config", str(config), "--server", "codextui", "--protocol-era", era)

    async def run(*request: str) -> Any:
        command = (node, program, *options, "--quiet", *request)
        return await output_of(*command, cwd=calling.machine.folder)

    async def call(tool: str, **arguments: str) -> dict[str, str]:
        request = ("--tool-name", tool, "--tool-args-json", json.dumps(arguments))
        return dict((await run("--method", "tools/call", *request))["structuredContent"])

    visit = calling.visit
    listed, plain, allowed = await asyncio.gather(
        run("--method", "tools/list"), call("codex", **visit.plain), call("codex", **visit.asking)
    )
    reply = await call("codex-reply", **visit.reply, threadId=plain["threadId"])
    return Seen([tool["name"] for tool in listed["tools"]], plain, allowed, reply)


async def typescript(calling: Calling, program: str) -> Seen:
    """A client of the TypeScript SDK."""
    node, folder = calling.installed.node
    script = shutil.copy(HERE / "programs" / program, folder)  # where it finds its packages
    told = {"server": calling.server, "visit": calling.visit.calls, "era": calling.era}
    return Seen(**await output_of(node, script, json.dumps(told), cwd=calling.machine.project))


async def typescript_1(calling: Calling) -> Seen:
    return await typescript(calling, "typescript_1.mjs")


async def typescript_2(calling: Calling) -> Seen:
    return await typescript(calling, "typescript_2.mjs")


async def python_1(calling: Calling) -> Seen:
    """The client of the Python SDK 1.x."""
    told = json.dumps({"server": calling.server, "visit": calling.visit.calls})
    script = HERE / "programs" / "python_1.py"
    python = calling.installed.python
    return Seen(**await output_of(python, script, told, cwd=calling.machine.project))


async def python_2(calling: Calling) -> Seen:
    """The client of the Python SDK 2.x."""
    asked: list[str] = []

    async def decide(_: object, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params.message)
        return types.ElicitResult(action="accept", content={"decision": "approved"})

    mode: Any = "legacy" if calling.era == HANDSHAKE else calling.era
    async with (
        transport_of(calling.server) as transport,
        Client(transport, mode=mode, elicitation_callback=decide) as client,
    ):
        visit = calling.visit

        async def call(tool: str, **arguments: str) -> dict[str, str]:
            content = (await client.call_tool(tool, arguments)).structured_content
            assert content is not None
            return content

        plain = await call("codex", **visit.plain)
        return Seen(
            version=client.protocol_version,
            tools=[tool.name for tool in (await client.list_tools()).tools],
            plain=plain,
            allowed=await call("codex", **visit.asking),
            reply=await call("codex-reply", **visit.reply, threadId=plain["threadId"]),
            asked=asked,
        )


@asynccontextmanager
async def transport_of(server: dict[str, Any]) -> AsyncIterator[Any]:
    if "url" not in server:
        yield StdioServerParameters(**server)
        return
    headers = {"Authorization": f"Bearer {server['token']}"}
    timeout = httpx2.Timeout(PATIENCE_S, read=None)
    async with httpx2.AsyncClient(headers=headers, timeout=timeout) as http:
        yield streamable_http_client(server["url"], http_client=http)


async def agents_sdk(calling: Calling) -> Seen:
    """An agent on the stock classes of the Agents SDK, which cannot be asked anything."""
    visit = calling.visit
    asking = function_call("codex", visit.asking, call_id="c1")
    model = ScriptedModel([[asking], [assistant_message("It has been left.")]])
    async with stock_server(calling.server) as server:
        agent = Agent(name="visitor", model=model, mcp_servers=[server])
        result = await Runner.run(agent, "Go.", run_config=RunConfig(tracing_disabled=True))
        assert result.final_output == "It has been left."
        [allowed] = [item["output"] for item in result.to_input_list() if "output" in item]
        plain = (await server.call_tool("codex", visit.plain)).structured_content
        assert plain is not None
        again = {**visit.reply, "threadId": plain["threadId"]}
        reply = (await server.call_tool("codex-reply", again)).structured_content
        assert reply is not None
        names = [tool.name for tool in await server.list_tools()]
        return Seen(names, plain, json.loads(str(allowed)), reply)


def stock_server(
    server: dict[str, Any], *, structured: bool = True
) -> MCPServerStdio | MCPServerStreamableHttp:
    options: Any = {
        "client_session_timeout_seconds": PATIENCE_S,
        "use_structured_content": structured,
    }
    if "url" not in server:
        return MCPServerStdio(params=server, **options)  # type: ignore[arg-type] # has its keys
    headers = {"Authorization": f"Bearer {server['token']}"}
    return MCPServerStreamableHttp({"url": server["url"], "headers": headers}, **options)


async def codex(calling: Calling) -> Seen:
    """Codex itself, with codextui in its config.toml. It asks its own person, who says yes."""
    machine, name = calling.machine, f"visit-{calling.transport}"
    home = machine.folder / f"home-{name}"
    write_codex_home(home, machine.model.base_url, extra=codex_servers(calling.server))
    VISITS[name] = calling.visit
    asked: list[str] = []
    async with listening(machine.binary, home, machine.model) as app:

        async def answer() -> None:
            for number in range(1, 10):
                received = await app.request(number)
                assert isinstance(received.parsed.asked, ElicitationAsked)
                app.decide(received, yes(received.parsed.asked))
                if "codex_approval_kind" not in received.parsed.asked.meta:
                    asked.append(received.parsed.asked.message)

        # Not by our own call: that one keeps Codex from codextui.
        options = {"sandbox": "workspace-write", "approvalPolicy": "on-request"}
        params = {"cwd": str(machine.project), **options}
        started = await app.app.call("thread/start", params)
        thread = started["thread"]["id"]
        await app.until(lambda: True if is_up(app) else None)
        answering = asyncio.create_task(answer())
        turn = await app.turn(thread, f"visit {name}")
        assert await app.ended(thread, turn) == ev.TurnCompleted("I have visited it.")
        answering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await answering
        calls = app.items(thread, "mcpToolCall")
        [status] = (await app.app.call("mcpServerStatus/list", {}))["data"]
    plain, allowed, reply = [call["result"]["structuredContent"] for call in calls]
    return Seen(sorted(status["tools"]), plain, allowed, reply, asked=asked)


def is_up(app: Listener) -> bool:
    """Whether Codex has connected to the server; until then it has no tools of it."""
    told = app.of("mcpServer/startupStatus/updated")
    return any(params.get("status") == "ready" for params in told)


def yes(asked: ElicitationAsked) -> Decision:
    own_question = "codex_approval_kind" in asked.meta
    return Approved(Scope.SESSION) if own_question else Answered({"decision": "approved"})


def codex_servers(server: dict[str, Any]) -> str:
    if "url" in server:
        headers = f'http_headers = {{ Authorization = "Bearer {server["token"]}" }}'
        return f'[mcp_servers.codextui]\nurl = "{server["url"]}"\n{headers}\n'
    variables = ("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "CODEX_HOME")
    env = ", ".join(f"{key} = {json.dumps(server['env'][key])}" for key in variables)
    command = f"command = {json.dumps(server['command'])}\nargs = {json.dumps(server['args'])}"
    return f"[mcp_servers.codextui]\n{command}\nenv = {{ {env} }}\n"


ClientProgram = Callable[[Calling], Awaitable[Seen]]

CLIENTS: list[tuple[ClientProgram, tuple[str, ...]]] = [
    (inspector, (HANDSHAKE, MODERN)),
    (typescript_1, (HANDSHAKE,)),
    (typescript_2, (HANDSHAKE, MODERN)),
    (python_1, (HANDSHAKE,)),
    (python_2, (HANDSHAKE, MODERN)),
    (agents_sdk, (MODERN,)),
    (codex, (HANDSHAKE,)),
]
CANNOT_BE_ASKED = (inspector, agents_sdk)
VISITORS = [
    pytest.param(client, era, id=f"{client.__name__}-{era}")
    for client, eras in CLIENTS
    for era in eras
]


@asynccontextmanager
async def approving(machine: Machine) -> AsyncIterator[None]:
    """Somebody at a console says yes to what comes first."""

    async def approve(console: Console) -> None:
        approval = await console.offered()
        await console.connection.answer(approval.approval_id, Approved())

    async with machine.supervisor() as console:
        answering = asyncio.create_task(approve(console))
        yield
        await answering


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["stdio", "http"])
@pytest.mark.parametrize(("client", "era"), VISITORS)
async def test_it_is_shown_two_tools_and_gets_all_of_its_answers(
    *, client: ClientProgram, era: str, transport: str, machine: Machine, installed: Installed
) -> None:
    visit = machine.visit(f"{client.__name__}-{era}-{transport}")
    calling = Calling(machine, installed, visit, transport, era)
    by_others = client in CANNOT_BE_ASKED
    async with approving(machine) if by_others else contextlib.nullcontext():
        seen = await client(calling)
    assert seen.tools == ["codex", "codex-reply"]
    assert seen.plain == {"threadId": seen.plain["threadId"], "content": "Hello yourself."}
    assert seen.reply == {"threadId": seen.plain["threadId"], "content": "There is no more."}
    assert seen.allowed["content"] == "It is there."
    assert visit.outside.exists()
    assert [str(visit.outside) in question for question in seen.asked] == [True] * (not by_others)
    if seen.version is not None:
        assert (seen.version == MODERN) is (era == MODERN)


async def test_a_model_of_the_agents_sdk_reads_the_thread_by_default(machine: Machine) -> None:
    visit = machine.visit("agents-sdk-by-default")
    model = ScriptedModel(
        [[function_call("codex", visit.plain, call_id="c1")], [assistant_message("Done.")]]
    )
    async with stock_server(machine.stdio, structured=False) as server:
        agent = Agent(name="visitor", model=model, mcp_servers=[server])
        result = await Runner.run(agent, "Go.", run_config=RunConfig(tracing_disabled=True))
        [output] = [str(item["output"]) for item in result.to_input_list() if "output" in item]
        assert "Hello yourself." in output
        [thread_id] = THREAD_ID.findall(output)
        again = {**visit.reply, "threadId": thread_id}
        reply = (await server.call_tool("codex-reply", again)).structured_content
        assert reply == {"threadId": thread_id, "content": "There is no more."}
