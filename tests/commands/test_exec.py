"""What `codex exec` asks of the shared server, and how refusals come out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.client.session import ClientSession
from codextui.commands import exec as command
from codextui.commands.exec import Place, decode_prompt, find_thread, run_exec, tool_arguments
from codextui.commands.exec_arguments import ExecArguments, LeftToCodex, parse_exec
from codextui.errors import (
    CodexFailed,
    CodexHomeDiffers,
    CodexLoginMissing,
    ConfigInvalid,
    ServerUnreachable,
)

PLACE = Place("default")
ID = "01900000-0000-7000-8000-000000000000"


def asked(words: str, **environment: str) -> dict[str, Any]:
    """Return what a command line asks of the server, without what is always the same."""
    arguments = tool_arguments(parse_exec(["exec", *words.split()]), "/here", "go", environment)
    assert arguments.pop("prompt") == "go"
    assert arguments.pop("cwd") == "/here"
    return {key: value for key, value in arguments.items() if value not in ([], {})}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", {}),
        ('-c approval_policy="on-request"', {"approval-policy": "on-request"}),
        ("-c approval_policy=untrusted", {"approval-policy": "untrusted"}),
        (
            "-c approval_policy={granular={rules=true}}",
            {"config": {"approval_policy": {"granular": {"rules": True}}}},
        ),
        (
            "--yolo -s read-only -c approval_policy=on-request",
            {"sandbox": "danger-full-access", "approval-policy": "never"},
        ),
        ("-s read-only", {"sandbox": "read-only"}),
        ("-c sandbox_mode=read-only", {"sandbox": "read-only"}),
        ("-m a -c model=b", {"model": "a", "config": {"model": "b"}}),
        ("-c model=b", {"model": "b"}),
        (
            '-c model_reasoning_effort="high" --enable x',
            {
                "effort": "high",
                "config": {"model_reasoning_effort": "high", "features.x": True},
            },
        ),
        ("-p work", {"profile": "work"}),
    ],
)
def test_options_become_arguments_of_the_tool(words: str, expected: dict[str, Any]) -> None:
    assert asked(words) == expected


def test_the_policy_before_exec_counts_as_well() -> None:
    arguments = parse_exec(["-a", "on-request", "exec"])
    assert tool_arguments(arguments, "/", "go", {})["approval-policy"] == "on-request"


def test_paths_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = asked("--image=a.png --add-dir ../b")
    assert arguments["images"] == [str(tmp_path / "a.png")]
    assert arguments["add-dirs"] == [str(tmp_path.parent / "b")]


def test_what_the_environment_says_is_asked_for() -> None:
    expected = {"home": "/home", "config": {"openai_base_url": "http://x"}}
    said = asked("", CODEX_HOME="/home", OPENAI_BASE_URL="http://x")
    assert said == expected
    said = asked("-c openai_base_url=http://y", OPENAI_BASE_URL="http://x")
    assert said["config"] == {"openai_base_url": "http://y"}


def test_a_schema_that_is_no_object_is_left_to_codex(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text("true")
    with pytest.raises(LeftToCodex):
        asked(f"--output-schema {file}")


@given(st.text(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_a_prompt_is_read_in_its_encoding(text: str, encoding: str) -> None:
    if text.startswith(("\ufeff", "\0")):
        return  # as if marked, or in UTF-32
    assert decode_prompt(text.encode(encoding)) == text


@given(st.binary())
def test_bytes_that_are_no_text_are_refused_in_words(data: bytes) -> None:
    problem = "Convert it to UTF-8"
    try:
        decode_prompt(data)
    except ValueError as error:
        problem = "a Unicode error" if isinstance(error, UnicodeError) else str(error)
    assert "Convert it to UTF-8" in problem


class History:
    """The server's threads, and those of Codex in two pages."""

    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self.pages = pages
        self.calls = 0

    async def call_tool(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if tool == "codex-threads":
            row = {"kind": "codex", "thread_id": "ours", "handle": "backend", "name": "Ours"}
            role = {"kind": "role", "thread_id": "run:a/b", "handle": "tester"}
            return {"threads": [role, row]}
        self.calls += 1
        number = int(arguments.get("cursor", 0))
        last = number + 1 == len(self.pages)
        return {"threads": self.pages[number], "cursor": "" if last else str(number + 1)}


PAGES = (
    [{"thread_id": "t1", "name": "", "cwd": "/elsewhere"}],
    [{"thread_id": "t2", "name": "Fix", "cwd": "/here"}, {"thread_id": "t3", "cwd": "/here"}],
)


@pytest.mark.parametrize(
    ("words", "thread", "pages"),
    [
        ("resume", "", 0),
        (f"resume {ID}", ID, 0),
        ("resume backend", "ours", 0),
        ("resume Ours", "ours", 0),
        ("resume tester", "", 2),
        ("resume Fix", "t2", 2),
        ("resume --last", "t2", 2),
        ("resume --last --all", "t1", 1),
        ("resume nothing", "", 2),
    ],
)
async def test_the_thread_to_resume_is_found(words: str, thread: str, pages: int) -> None:
    history = History(*PAGES)
    session = cast("ClientSession", history)
    assert await find_thread(session, parse_exec(["exec", *words.split()]), "/here") == thread
    assert history.calls == pages


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr(command._Run, "run", fail)


GO = ExecArguments("go", outside_git=True, resumes=True)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CodexFailed("no", code=-1), 1),
        (ServerUnreachable("gone"), 1),
        (CodexLoginMissing("log in"), 1),
        (ConfigInvalid("no such profile"), 2),
    ],
)
def test_a_refusal_is_said_and_has_a_code(
    error: Exception,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("CODEX_API_KEY", raising=False)
    failing(monkeypatch, error)
    assert run_exec(GO, PLACE) == code
    out, err = capfd.readouterr()
    assert (out, err) == ("", f"Error: {error}\n")


@pytest.mark.parametrize("error", [CodexHomeDiffers("another"), CodexLoginMissing("log in")])
def test_codex_takes_over_where_the_server_cannot(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_API_KEY", "sk-of-no-use")
    failing(monkeypatch, error)
    with pytest.raises(LeftToCodex) as left:
        run_exec(GO, PLACE)
    assert left.value.reason


def test_standard_input_is_left_to_codex_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"the prompt")
    os.close(writer)
    kept = os.dup(0)
    try:
        os.dup2(reader, 0)
        with os.fdopen(os.dup(0), encoding="utf-8") as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            assert command.read_prompt(ExecArguments("-")) == "the prompt"
        assert os.read(0, 100) == b"the prompt"
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(reader)
