"""Traces of a run: recorded in its folder, and exported only if configured."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, RunConfig, Runner, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call
from agents.tracing.processors import BackendSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from codextui.config.schema import Export, TracesConfig
from codextui.errors import ConfigInvalid
from codextui.teams.records import traces
from codextui.teams.records.traces import TRACES_FILE, record_traces

SECRET = "the-secret-of-the-task"

QUIET = RunConfig(tracing_disabled=True, trace_include_sensitive_data=False)


@function_tool
def look_up(word: str) -> str:
    """Return more of the secret."""
    return f"{word} and {SECRET}"


async def run_team(folder: Path, config: TracesConfig) -> None:
    """Run two agents: one uses a tool and hands off, the other answers, all with the secret."""
    maker = Agent(name="maker", model=scripted([[assistant_message(SECRET)]]))
    asked = [function_call("look_up", {"word": SECRET}, call_id="1")]
    handed = [function_call("transfer_to_maker", {}, call_id="2")]
    boss = Agent(name="boss", model=scripted([asked, handed]), tools=[look_up], handoffs=[maker])
    with record_traces(QUIET, folder, config, run_id="duo-1", team="duo") as run_config:
        await Runner.run(boss, SECRET, run_config=run_config)


def scripted(steps: list[Any]) -> ScriptedModel:
    return ScriptedModel(steps, emit_traces=True)


def stored(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / TRACES_FILE).read_text().splitlines()]


class Receiver:
    """An HTTP server on loopback that records what is posted to it.

    Attributes:
        url: where it listens.
        requests: the path, headers and body of every request.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[tuple[str, dict[str, str], bytes]] = []

    def spans(self) -> list[Any]:
        found = []
        for _, _, body in self.requests:
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    found += scope.spans
        return found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            received.requests.append((self.path, dict(self.headers), body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received = Receiver(f"http://127.0.0.1:{server.server_port}/v1/traces")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield received
        finally:
            server.shutdown()
            thread.join(10)


async def test_traces_are_stored_privately(tmp_path: Path) -> None:
    await run_team(tmp_path, TracesConfig())
    assert stat.S_IMODE((tmp_path / TRACES_FILE).stat().st_mode) == 0o600
    trace, *spans = stored(tmp_path)
    assert (trace["workflow_name"], trace["group_id"]) == ("duo", "duo-1")
    data = [span["span_data"] for span in spans]
    assert {one["type"] for one in data} >= {"agent", "function", "generation", "handoff"}
    (handoff,) = [one for one in data if one["type"] == "handoff"]
    assert (handoff["from_agent"], handoff["to_agent"]) == ("boss", "maker")
    assert all(span["trace_id"] == trace["id"] and span["ended_at"] for span in spans)


async def test_contents_are_not_stored_by_default(tmp_path: Path) -> None:
    await run_team(tmp_path, TracesConfig())
    assert SECRET not in (tmp_path / TRACES_FILE).read_text()


async def test_contents_are_stored_if_configured(tmp_path: Path) -> None:
    await run_team(tmp_path, TracesConfig(include_data=True))
    (function,) = [
        one["span_data"]
        for one in stored(tmp_path)
        if one.get("span_data", {}).get("type") == "function"
    ]
    assert SECRET in function["input"]
    assert SECRET in function["output"]


def test_no_socket_is_opened_by_default(tmp_path: Path) -> None:
    # In a process of its own, with an audit hook of Python for every attempt.
    probe = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from codextui.config.schema import TracesConfig
from teams.records.test_traces import run_team
seen = []
reaching = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname")
sys.addaudithook(lambda event, _: seen.append(event) if event in reaching else None)
asyncio.run(run_team(Path({str(tmp_path)!r}), TracesConfig()))
print(seen)
"""
    environment = {"PATH": "/usr/bin", "OPENAI_API_KEY": "sk-test"}
    done = subprocess.run(
        [sys.executable, "-c", probe],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env=environment,
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert len(stored(tmp_path)) > 5


async def test_otlp_exports_every_span_with_its_parent(tmp_path: Path, receiver: Receiver) -> None:
    await run_team(tmp_path, TracesConfig(Export.OTLP, receiver.url))
    assert {path for path, _, _ in receiver.requests} == {"/v1/traces"}
    sent = receiver.spans()
    names = {span.name for span in sent}
    assert {"invoke_agent boss", "execute_tool look_up", "handoff boss to maker", "chat"} <= {
        name if not name.startswith("chat") else "chat" for name in names
    }
    assert len({span.trace_id for span in sent}) == 1
    by_id = {span.span_id: span for span in sent}
    (tool,) = [span for span in sent if span.name == "execute_tool look_up"]
    ancestors = []
    while tool.parent_span_id:
        tool = by_id[tool.parent_span_id]
        ancestors.append(tool.name)
    assert "invoke_agent boss" in ancestors
    assert all(0 < span.start_time_unix_nano <= span.end_time_unix_nano for span in sent)
    assert len(sent) == len(stored(tmp_path)) - 1


async def test_otlp_exports_contents_only_if_configured(tmp_path: Path, receiver: Receiver) -> None:
    await run_team(tmp_path, TracesConfig(Export.OTLP, receiver.url))
    assert receiver.requests
    assert not any(SECRET.encode() in body for _, _, body in receiver.requests)
    await run_team(tmp_path, TracesConfig(Export.OTLP, receiver.url, include_data=True))
    assert any(SECRET.encode() in body for _, _, body in receiver.requests)


async def test_otlp_resources_name_the_run_and_the_team(tmp_path: Path, receiver: Receiver) -> None:
    await run_team(tmp_path, TracesConfig(Export.OTLP, receiver.url))
    request = ExportTraceServiceRequest.FromString(receiver.requests[0][2])
    attributes = {
        one.key: one.value.string_value for one in request.resource_spans[0].resource.attributes
    }
    assert attributes["service.name"] == "codextui"
    assert (attributes["codextui.run"], attributes["codextui.team"]) == ("duo-1", "duo")


async def test_an_unreachable_otlp_endpoint_does_not_fail_the_run(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1/traces"
        await run_team(tmp_path, TracesConfig(Export.OTLP, url))
    assert len(stored(tmp_path)) > 5


async def test_openai_gets_the_spans_without_contents(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    to_receiver = partial(BackendSpanExporter, endpoint=receiver.url)
    monkeypatch.setattr(traces, "BackendSpanExporter", to_receiver)
    await run_team(tmp_path, TracesConfig(Export.OPENAI))
    sent = [item for _, _, body in receiver.requests for item in json.loads(body)["data"]]
    kinds = {item["span_data"]["type"] for item in sent if item["object"] == "trace.span"}
    assert {"agent", "function", "handoff"} <= kinds
    assert not any(SECRET.encode() in body for _, _, body in receiver.requests)


async def test_openai_without_a_key_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigInvalid, match="needs OPENAI_API_KEY"):
        await run_team(tmp_path, TracesConfig(Export.OPENAI))


async def test_otlp_without_opentelemetry_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "codextui.teams.records.otel", raising=False)
    missing = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigInvalid, match=r"pip install .*opentelemetry-sdk"):
        await run_team(tmp_path, TracesConfig(Export.OTLP))


async def test_nothing_is_traced_after_a_run(tmp_path: Path) -> None:
    await run_team(tmp_path, TracesConfig())
    before = stored(tmp_path)
    agent = Agent(name="later", model=scripted([[assistant_message("x")]]))
    with contextlib.suppress(FileNotFoundError):
        await Runner.run(agent, "x")
    assert stored(tmp_path) == before
