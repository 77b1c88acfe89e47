"""A turn of `codex exec` on the shared server, for programs that start it as `codex`.

What is not said here is as in `codex exec`: messages, exit codes, and what goes to which stream.
People decide in the console where the command line names an approval policy that asks.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codextui.client.session import ClientSession
from codextui.client.spawn import ensure_server, open_socket
from codextui.codex.configuration import parse_settings
from codextui.codex.exec_events import ExecTurn, thread_started
from codextui.commands.approvals import summarize_approval
from codextui.commands.exec_arguments import ExecArguments, LeftToCodex
from codextui.commands.exec_output import (
    JsonOutput,
    Output,
    TextOutput,
    Writer,
    choose_color,
    replace_with_null,
    write_last_message,
)
from codextui.errors import (
    CodexHomeDiffers,
    CodexLoginMissing,
    CodextuiError,
    ConfigInvalid,
    MessageInvalid,
    ServerUnreachable,
)
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import takes_answers
from codextui.protocol.extensions import CAUGHT_UP_METHOD, NOW
from codextui.protocol.threads import ThreadInfo, Usage
from codextui.text.sanitize import one_line, sanitize

CLIENT_NAME = "codex exec"
"""The name of the client, unless the program that starts it names itself."""

EXIT_FAILED = 1
"""The turn failed or was interrupted, or nothing was started."""

EXIT_USAGE = 2
"""Something on the command line cannot be used."""

EXIT_PIPE = 101
"""The reader of our output has closed it: `codex exec` panics then."""

_NAMED_BY = "CODEX_INTERNAL_ORIGINATOR_OVERRIDE"
_BOM = b"\xef\xbb\xbf"


class Refused(Exception):
    """Nothing is started; the message is printed as `codex exec` prints it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where turns run.

    Attributes:
        server: the name of the shared server.
        config: its configuration file if it is started; None for the user's own.
    """

    server: str
    config: Path | None = None


def run_exec(arguments: ExecArguments, place: Place) -> int:
    """Run a turn, and return the exit code.

    Raises:
        LeftToCodex: the genuine Codex is to run it; standard input is as it was.
    """
    try:
        return asyncio.run(_run(arguments, place))
    except Refused as error:
        _note(str(error))
        return EXIT_FAILED
    except CodextuiError as error:
        _note(f"Error: {sanitize(str(error))}")
        return EXIT_USAGE if isinstance(error, ConfigInvalid) else EXIT_FAILED


async def _run(arguments: ExecArguments, place: Place) -> int:
    cwd = _folder(arguments.cwd)
    prompt = read_prompt(arguments)
    call = tool_arguments(arguments, cwd, prompt, os.environ)
    if not arguments.outside_git and not arguments.bypasses and not _is_in_git(Path(cwd)):
        raise Refused("Not inside a trusted directory and --skip-git-repo-check was not specified.")
    _open_message_file(arguments.message_file)
    client = " ".join(os.environ.get(_NAMED_BY, "").split()) or CLIENT_NAME
    run = _Run(arguments, prompt, client)
    try:
        return await run.run(call, place)
    except CodexHomeDiffers as error:
        raise LeftToCodex(str(error)) from error
    except CodexLoginMissing as error:
        if not os.environ.get("CODEX_API_KEY"):
            raise
        raise LeftToCodex("the shared server has no login, and CODEX_API_KEY is set") from error


def tool_arguments(
    arguments: ExecArguments, cwd: str, prompt: str, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Return the arguments of the tool `codex-exec`, without the thread.

    Raises:
        Refused: the schema's file cannot be read.
        LeftToCodex: the schema is no object.
    """
    settings = dict(parse_settings(arguments.settings))
    if "OPENAI_BASE_URL" in environment:
        settings.setdefault("openai_base_url", environment["OPENAI_BASE_URL"])
    sandbox = arguments.sandbox or settings.pop("sandbox_mode", None)
    policy = settings.pop("approval_policy", None)
    if arguments.bypasses:
        sandbox, policy = "danger-full-access", "never"
    elif not isinstance(policy, str | None):  # one for each kind of request
        settings["approval_policy"], policy = policy, None
    elif policy is None:
        policy = arguments.policy
    effort = settings.get("model_reasoning_effort")
    chosen = {
        "model": arguments.model or settings.pop("model", None),
        "sandbox": sandbox,
        "approval-policy": policy,
        "profile": arguments.profile,
        "effort": effort if isinstance(effort, str) else None,
        "output-schema": _read_schema(arguments.schema_file),
        "home": environment.get("CODEX_HOME") or None,
    }
    return {
        "prompt": prompt,
        "cwd": cwd,
        "images": [os.path.abspath(path) for path in arguments.images],  # noqa: PTH100
        "add-dirs": [os.path.abspath(path) for path in arguments.add_dirs],  # noqa: PTH100
        "config": settings,
        **{key: value for key, value in chosen.items() if value is not None},
    }


def _folder(cwd: str | None) -> str:
    try:
        return str(Path(cwd or ".").resolve(strict=True))
    except OSError as error:
        raise Refused(f"Error: {_describe(error)}") from error


def _open_message_file(name: str | None) -> None:
    """Create the file where it is missing, before the turn, whose message would have no place."""
    if name is not None:
        try:
            Path(name).open("a", encoding="utf-8").close()
        except OSError as error:
            shown = json.dumps(name, ensure_ascii=False)
            raise Refused(
                f"Error: Failed to open last message file {shown}: {_describe(error)}"
            ) from error


def _is_in_git(folder: Path) -> bool:
    return any((parent / ".git").exists() for parent in (folder, *folder.parents))


def _read_schema(name: str | None) -> JsonObject | None:
    if name is None:
        return None
    try:
        schema = json.loads(Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(f"Failed to read output schema file {name}: {_describe(error)}") from error
    except (ValueError, RecursionError) as error:
        raise Refused(f"Output schema file {name} is not valid JSON: {error}") from error
    if not isinstance(schema, dict):
        raise LeftToCodex("the output schema is no object")
    return schema


def _describe(error: OSError) -> str:
    return f"{error.strerror} (os error {error.errno})"


def read_prompt(arguments: ExecArguments) -> str:
    """Return the prompt, with what standard input adds to it.

    Raises:
        Refused: there is none, or it is no text.
    """
    given = arguments.prompt
    if given is None or given == "-":
        if given is None and sys.stdin.isatty():
            raise Refused(
                "No prompt provided. Either specify one as an argument or pipe the prompt into "
                "stdin."
            )
        if given is None:
            _note("Reading prompt from stdin...")
        text = _read_stdin()
        if not text.strip():
            raise Refused("No prompt provided via stdin.")
        return text
    if arguments.resumes or sys.stdin.isatty():
        return given
    _note("Reading additional input from stdin...")
    text = _read_stdin()
    if not text.strip():
        return given
    end = "" if text.endswith("\n") else "\n"
    return f"{given}\n\n<stdin>\n{text}{end}</stdin>"


def _read_stdin() -> str:
    """Read all of standard input, and leave it to be read again."""
    data = sys.stdin.buffer.read()
    with tempfile.TemporaryFile() as copy:
        copy.write(data)
        copy.seek(0)
        os.dup2(copy.fileno(), 0)
    try:
        return decode_prompt(data)
    except ValueError as error:
        raise Refused(f"Failed to read prompt from stdin: {error}") from error


def decode_prompt(data: bytes) -> str:
    """Return a prompt in UTF-8, or in UTF-16 with a byte order mark. Raises ValueError."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise ValueError("input appears to be UTF-32. Convert it to UTF-8 and retry.")
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16")
        return data.removeprefix(_BOM).decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"input is not valid UTF-8 (invalid byte at offset {error.start}). Convert it to UTF-8 "
            "and retry (e.g., `iconv -f <ENC> -t UTF-8 prompt.txt`)."
        ) from error


class _Run:
    """One turn: its events are printed until it ends."""

    def __init__(self, arguments: ExecArguments, prompt: str, client: str) -> None:
        self._arguments = arguments
        self._prompt = prompt
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._out = Writer(sys.stdout, self._on_broken_pipe)
        self._err = Writer(sys.stderr, lambda: None)
        self._output = self._choose_output()
        self._turn = ExecTurn()
        self._usage = Usage()
        self._caught_up = self._loop.create_future()
        self._ended = self._loop.create_future()
        self._early: list[ev.Event] = []
        self._thread: ThreadInfo | None = None
        self._turn_id = ""
        self._session: ClientSession | None = None
        self._interrupting: asyncio.Task[JsonObject] | None = None
        self._signal = 0

    def _choose_output(self) -> Output:
        if self._arguments.as_json:
            return JsonOutput(self._out)
        repeats = not (sys.stdout.isatty() and sys.stderr.isatty())
        colored = choose_color(self._arguments.color, os.environ)
        return TextOutput(self._out, self._err, colored=colored, repeats_message=repeats)

    async def run(self, call: dict[str, Any], place: Place) -> int:
        """Run the turn and return the exit code, unless a signal is to end the process."""
        for number, handle in (
            (signal.SIGINT, self._on_interrupt),
            (signal.SIGTERM, self._on_terminate),
        ):
            self._loop.add_signal_handler(number, handle)
        try:
            code = await self._follow(call, place)
        finally:
            for stream in (self._out, self._err):
                stream.close()
            if self._out.broken:
                replace_with_null(sys.stdout)
        if self._signal:
            signal.signal(self._signal, signal.SIG_DFL)
            os.kill(os.getpid(), self._signal)
        return EXIT_PIPE if self._out.broken else code

    async def _follow(self, call: dict[str, Any], place: Place) -> int:
        path = await ensure_server(place.server, config=place.config)
        async with ClientSession(
            await open_socket(path), on_notification=self._on_notification
        ) as session:
            await session.initialize(self._client, supervise=True, decide=False)
            subscription = asyncio.create_task(session.subscribe(since=NOW, epoch=""))
            try:
                await self._until(session, self._caught_up)
                if not self._ended.done():
                    await self._start(session, call)
                await self._until(session, self._ended)
            finally:
                subscription.cancel()
                await asyncio.gather(subscription, return_exceptions=True)
        return self._finish()

    async def _until(self, session: ClientSession, future: asyncio.Future[None]) -> None:
        """Wait for a future, or for an end that comes before. Raises ServerUnreachable."""
        await asyncio.wait(
            {future, self._ended, session.closed}, return_when=asyncio.FIRST_COMPLETED
        )
        if not future.done() and not self._ended.done():
            raise ServerUnreachable(f"the server was lost: {session.closed.result()}")

    async def _start(self, session: ClientSession, call: dict[str, Any]) -> None:
        if self._arguments.resumes:
            thread = await find_thread(session, self._arguments, call["cwd"])
            call = {**call, "thread": thread} if thread else call
        server = await session.call_tool("codex-server", {})
        result = await session.call_tool("codex-exec", call)
        self._session = session
        self._turn_id = fields.text(result, "turnId")
        thread_info = ThreadInfo.from_json(fields.as_object(result.get("thread"), "thread"))
        codex = fields.as_object(server.get("codex"), "codex")
        self._output.start(thread_info, fields.text_or(codex, "version"), self._prompt)
        self._output.show(ev.UnknownEvent(""), [thread_started(thread_info.thread_id)])
        self._thread = thread_info
        early, self._early = self._early, []
        for event in early:
            self._on_event(event)

    def _on_notification(self, method: str, params: JsonObject) -> None:
        if method == CAUGHT_UP_METHOD and not self._caught_up.done():
            self._caught_up.set_result(None)
        elif method == ev.EVENT_METHOD:
            try:
                event = ev.Event.from_json(params)
            except MessageInvalid as error:
                self._err.write(f"an event was left out: {sanitize(str(error))}\n")
                return
            if self._thread is None:
                self._early.append(event)
            else:
                self._on_event(event)

    def _on_event(self, event: ev.Event) -> None:
        thread, msg = self._thread, event.msg
        if thread is None or event.thread_id != thread.thread_id or self._ended.done():
            return
        if isinstance(msg, ev.ApprovalAsked):
            self._note_approval(msg)
        if event.turn_id not in ("", self._turn_id):
            return
        if isinstance(msg, ev.TokensCounted):
            self._usage = msg.total
        self._output.show(msg, self._turn.translate(msg))
        if self._turn.ended:
            self._ended.set_result(None)

    def _note_approval(self, asked: ev.ApprovalAsked) -> None:
        approval = asked.approval
        verb = "answer" if takes_answers(approval.asked) else "approve"
        command = f"codextui {verb} {one_line(approval.approval_id)}"
        self._err.write(f"needs input: {command} ({summarize_approval(approval)})\n")

    def _finish(self) -> int:
        turn = self._turn
        if not turn.ended:
            return EXIT_FAILED
        self._output.finish(turn.final_message, self._usage)
        path = self._arguments.message_file
        if path is not None and not turn.failed:
            problem = write_last_message(Path(path), turn.final_message)
            self._err.write(f"{problem}\n" if problem else "")
        return EXIT_FAILED if turn.failed else 0

    def _on_interrupt(self) -> None:
        """Interrupt the turn; the second time, end at once, which interrupts it as well."""
        if self._thread is None or self._session is None or self._interrupting is not None:
            self._end()
            return
        arguments = {"thread": self._thread.thread_id}
        call = self._session.call_tool("codex-interrupt", arguments)
        self._interrupting = self._loop.create_task(call)
        self._interrupting.add_done_callback(self._on_interrupted)

    def _on_interrupted(self, call: asyncio.Task[JsonObject]) -> None:
        if not call.cancelled() and call.exception() is not None:
            self._end()

    def _on_terminate(self) -> None:
        self._signal = signal.SIGTERM
        self._end()

    def _on_broken_pipe(self) -> None:
        self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        """Stop waiting. The server ends the turn of a client that disconnects."""
        if not self._ended.done():
            self._ended.set_result(None)


async def find_thread(session: ClientSession, arguments: ExecArguments, cwd: str) -> str:
    """Return the id of the thread to resume; empty for a new one.

    `codex exec` starts a new thread, too, where no thread has the name, or none is in the folder.
    """
    name = arguments.thread or ""
    if not name and not arguments.last:
        return ""
    if _is_uuid(name):
        return name
    if name:
        threads = await session.call_tool("codex-threads", {})
        for row in fields.objects(threads, "threads"):
            if row.get("kind") == "codex" and name in (row.get("handle"), row.get("name")):
                return fields.text(row, "thread_id")
    async for row in _history(session):
        in_folder = arguments.everywhere or _is_same(fields.text_or(row, "cwd"), cwd)
        if in_folder and (not name or name == row.get("name")):
            return fields.text(row, "thread_id")
    return ""


async def _history(session: ClientSession) -> AsyncIterator[JsonObject]:
    """Yield the threads that Codex has on disk, the newest first."""
    page: JsonObject = {}
    while True:
        cursor = fields.text_or(page, "cursor")
        wanted = {"limit": 100, **({"cursor": cursor} if cursor else {})}
        page = await session.call_tool("codex-history", wanted)
        for row in fields.objects(page, "threads"):
            yield row
        if not fields.text_or(page, "cursor"):
            return


def _is_same(folder: str, cwd: str) -> bool:
    return os.path.realpath(folder) == cwd


def _is_uuid(text: str) -> bool:
    parts = [len(part) for part in text.split("-")]
    digits = set(text.lower()) <= set("0123456789abcdef-")
    return digits and parts in ([8, 4, 4, 4, 12], [32])


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201
