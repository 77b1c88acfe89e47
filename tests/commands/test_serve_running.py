"""`codextui serve` and `setup --http` where a server runs: real processes, without a Codex."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands.command_line import Result
from contract.serving import PATIENCE_S
from warm import Warm, start_warm

from codextui.client.session import call_once
from codextui.client.spawn import wait_until_settled
from codextui.config import paths
from codextui.config.address import parse_mcp_url
from codextui.errors import ServerRefused
from codextui.jsonrpc.fields import JsonObject

LOCAL = "127.0.0.1:0"


@dataclass
class Output:
    out: str
    err: str


class Machine:
    """Runs command lines as processes with the folders of one user."""

    def __init__(self, config: Path) -> None:
        self.config = config

    async def start(self, *arguments: str) -> Warm:
        given = (*arguments, "--config", str(self.config))
        return await start_warm(*given, env=os.environ, stderr=subprocess.PIPE)

    async def run(self, *arguments: str) -> Result:
        process = await self.start(*arguments)
        async with asyncio.timeout(PATIENCE_S):
            out, err = await process.communicate()
        return Result(process.returncode, Output(out.decode(), err.decode()))

    @asynccontextmanager
    async def serving(self, *arguments: str) -> AsyncIterator[Warm]:
        """A server in the foreground, or one that another command would have started."""
        process = await self.start("serve", *arguments)
        try:
            assert await started(process)
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE_S):
                await process.communicate()

    async def ask(self, tool: str = "codex-server", **arguments: object) -> JsonObject:
        return await call_once(paths.socket_path("default"), "test", tool, arguments)

    async def url(self) -> str:
        return str((await self.ask())["http"])


async def started(process: Warm) -> bool:
    """Return whether a server listens, once it does or its process has ended."""
    async with asyncio.timeout(PATIENCE_S):
        while process.returncode is None:
            if await wait_until_settled("default"):
                return True
            await asyncio.sleep(0.02)
    return False


@pytest.fixture
def machine(home: Path) -> Machine:
    config = home / "config.toml"
    config.write_text(f'[codex]\nattach = "own"\nbinary = "{home}/no-codex"\n')
    return Machine(config)


def answers(url: str) -> bool:
    """Return whether something accepts connections at the address of a URL."""
    address = parse_mcp_url(url)
    try:
        socket.create_connection((address.host, address.port), timeout=PATIENCE_S).close()
    except ConnectionRefusedError:
        return False
    return True


async def test_serving_twice_is_refused_with_what_to_do(machine: Machine) -> None:
    async with machine.serving() as process:
        second = await machine.run("serve")
        assert second.code == 1
        assert second.out == ""
        assert f"'default' (pid {process.pid}) runs already" in second.err
        assert "`codextui kill-server` ends it" in second.err
        assert process.returncode is None


async def test_a_server_that_another_command_starts_meets_the_running_one_without_an_error(
    machine: Machine,
) -> None:
    async with machine.serving():
        second = await machine.run("serve", "--daemon")
        assert second.code == 0
        assert "runs already" in second.err


async def test_the_running_server_gets_the_listener(machine: Machine) -> None:
    async with machine.serving("--daemon") as process:
        assert await machine.url() == ""
        told = await machine.run("serve", "--http", LOCAL)
        assert (told.code, told.err) == (0, "")
        url = await machine.url()
        assert f"(pid {process.pid}) runs already, and now listens on {url}" in told.out
        assert f'`http = "{parse_mcp_url(url)}"` under [server]' in told.out
        assert answers(url)
    assert not answers(url)


async def test_an_address_on_which_the_server_listens_is_not_opened_again(machine: Machine) -> None:
    async with machine.serving("--http", LOCAL):
        url = await machine.url()
        for address in (LOCAL, str(parse_mcp_url(url))):
            again = await machine.run("serve", "--http", address)
            assert (again.code, again.err) == (0, "")
            assert f"runs already, and listens on {url}" in again.out
        assert await machine.url() == url


async def test_a_server_listens_on_one_address_only(machine: Machine) -> None:
    async with machine.serving("--http", LOCAL):
        url = await machine.url()
        other = await machine.run("serve", "--http", f"127.0.0.1:{parse_mcp_url(url).port + 1}")
        assert (other.code, other.out) == (1, "")
        assert f"listens on {url}, and on one address only" in other.err
        assert "`codextui kill-server`" in other.err
        assert await machine.url() == url


async def test_an_address_in_use_is_refused_and_the_server_goes_on(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with machine.serving():
            refused = await machine.run("serve", "--http", address)
            assert (refused.code, refused.out) == (1, "")
            assert "another program listens there" in refused.err
            assert await machine.url() == ""
            assert (await machine.run("serve", "--http", LOCAL)).code == 0
            assert answers(await machine.url())


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
async def test_an_address_for_other_machines_needs_its_flag_here_too(
    machine: Machine, address: str
) -> None:
    async with machine.serving():
        refused = await machine.run("serve", "--http", address)
        assert refused.code == 2
        assert "--http-anywhere" in refused.err
        assert await machine.url() == ""


async def test_the_idle_timeout_of_a_running_server_is_not_changed_silently(
    machine: Machine,
) -> None:
    async with machine.serving():
        told = await machine.run("serve", "--http", LOCAL, "--idle-timeout", "1")
        assert told.code == 0
        assert "does not end when idle" in told.out
        assert "--idle-timeout is left out" in told.err


async def test_a_program_with_a_server_of_its_own_is_refused_one_of_others(
    machine: Machine,
) -> None:
    async with machine.serving():
        process = await machine.start("serve", "--until-stdin-ends", "--http", LOCAL)
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 1
            _, err = await process.communicate()
        assert b"runs already" in err
        assert await machine.url() == ""


@pytest.mark.parametrize("serves", [(), ("--http", LOCAL)])
async def test_a_server_that_does_not_listen_as_configured_says_what_helps(
    machine: Machine, serves: tuple[str, ...]
) -> None:
    async with machine.serving(*serves):
        machine.config.write_text('[server]\nhttp = "127.0.0.1:8040"\n')
        refused = await machine.run("serve")
        assert refused.code == 1
        helps = "`codextui serve --http 127.0.0.1:8040` lets it"
        assert (helps in refused.err) is not bool(serves)


async def test_setup_takes_the_address_on_which_the_server_listens(machine: Machine) -> None:
    async with machine.serving("--http", LOCAL):
        told = await machine.run("setup", "cursor", "--http")
        assert (told.code, told.err) == (0, "")
        assert f'"url": "{await machine.url()}"' in told.out


async def test_setup_says_where_the_server_listens_if_that_is_elsewhere(machine: Machine) -> None:
    async with machine.serving("--http", LOCAL):
        url = await machine.url()
        told = await machine.run("setup", "cursor", "--http", "127.0.0.1:8040")
        assert told.code == 0
        assert '"url": "http://127.0.0.1:8040/mcp"' in told.out
        assert f"listens on {parse_mcp_url(url)}, not on 127.0.0.1:8040" in told.err
        assert f"--http {parse_mcp_url(url)}" in told.err
        assert "`codextui kill-server`" in told.err


async def test_setup_says_how_a_server_that_does_not_listen_comes_to_it(machine: Machine) -> None:
    async with machine.serving():
        helps = "does not listen for HTTP"
        refused = await machine.run("setup", "cursor", "--http")
        assert (refused.code, refused.out) == (2, "")
        assert helps in refused.err
        assert "`codextui serve --http 127.0.0.1:8040` and then this again" in refused.err
        machine.config.write_text('[server]\nhttp = "127.0.0.1:8041"\n')
        told = await machine.run("setup", "cursor", "--http")
        assert told.code == 0
        assert '"url": "http://127.0.0.1:8041/mcp"' in told.out
        assert helps in told.err
        assert "`codextui serve --http 127.0.0.1:8041`" in told.err


async def test_setup_without_a_server_and_an_address_says_how_to_start_one(
    machine: Machine,
) -> None:
    refused = await machine.run("setup", "cursor", "--http", "-L", "team")
    assert refused.code == 2
    assert "no server 'team' runs" in refused.err
    assert "`codextui serve -L team --http 127.0.0.1:8040`" in refused.err


async def test_a_public_address_is_refused_by_the_server_itself(machine: Machine) -> None:
    async with machine.serving():
        with pytest.raises(ServerRefused, match="anywhere"):
            await machine.ask("codex-listen", address="0.0.0.0:0")
        with pytest.raises(ServerRefused, match="HOST:PORT"):
            await machine.ask("codex-listen", address="example.org")
        assert await machine.url() == ""
