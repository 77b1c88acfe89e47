"""What `codex exec` prints: JSON lines, or a report on standard error and the final message."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TextIO

from codextui.codex.exec_events import ExecEvent
from codextui.codex.items import file_changes
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadInfo, Usage
from codextui.text.sanitize import dump_json, sanitize

_STYLES = {"bold": "1", "faint": "2", "italic magenta": "35;3", "cyan": "36", "yellow": "33;1"}
_STYLES |= {"red": "31;1", "green": "32"}


class Writer:
    """Writes to a stream in a thread of its own, at the speed of whoever reads it.

    The turn's events are received meanwhile: the server would disconnect a client that reads
    nothing.

    Args:
        stream: what to write to.
        on_error: is called on that thread, once, if the stream is closed by its reader.
    """

    def __init__(self, stream: TextIO, on_error: Callable[[], None]) -> None:
        self._stream = stream
        self._on_error = on_error
        self._texts: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)
        self._thread.start()
        self.broken = False

    def write(self, text: str) -> None:
        """Write a text after all that was written before. Never blocks."""
        self._texts.put(text)

    def close(self) -> None:
        """Wait until all is written."""
        self._texts.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (text := self._texts.get()) is not None:
            if self.broken:
                continue
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                self.broken = True
                self._on_error()


class Output(Protocol):
    """Prints a turn."""

    def start(self, thread: ThreadInfo, version: str, prompt: str) -> None:
        """Print what precedes the turn."""

    def show(self, msg: ev.Msg, events: list[ExecEvent]) -> None:
        """Print an event of the turn.

        Args:
            msg: the event of the server.
            events: what it is for `codex exec`.
        """

    def finish(self, message: str | None, usage: Usage) -> None:
        """Print what follows the turn: the final message, if there is one."""


class JsonOutput:
    """Prints every event of `codex exec` as a line of JSON."""

    def __init__(self, out: Writer) -> None:
        self._out = out

    def start(self, thread: ThreadInfo, version: str, prompt: str) -> None:
        """Print nothing: the event that the thread has started is one of those to show."""

    def show(self, msg: ev.Msg, events: list[ExecEvent]) -> None:  # noqa: ARG002 - an Output
        """Print the events."""
        for event in events:
            self._out.write(dump_json(event, compact=True) + "\n")

    def finish(self, message: str | None, usage: Usage) -> None:
        """Print nothing: the message was an event."""


class TextOutput:
    """Prints a report on standard error, and the final message on standard output.

    Args:
        out: standard output.
        err: standard error.
        colored: whether the report has colours.
        repeats_message: whether the final message is also printed on standard output, which is
            of no use where both are one terminal.
    """

    def __init__(self, out: Writer, err: Writer, *, colored: bool, repeats_message: bool) -> None:
        self._out = out
        self._err = err
        self._colored = colored
        self._repeats_message = repeats_message

    def start(self, thread: ThreadInfo, version: str, prompt: str) -> None:
        """Print what the thread is, and the prompt."""
        rows = {
            "workdir": thread.cwd,
            "model": thread.model,
            "approval": thread.approval_policy,
            "sandbox": thread.sandbox,
            "session id": thread.thread_id,
            "codextui": thread.handle,
        }
        self._print(f"OpenAI Codex v{version}" if version else "OpenAI Codex")
        self._print("--------")
        for key, value in rows.items():
            self._print(value, f"{key}:", "bold", " ")
        self._print("--------")
        self._print(prompt, "user", "cyan")

    def show(self, msg: ev.Msg, events: list[ExecEvent]) -> None:
        """Print an item, a warning or an error."""
        match msg:
            case ev.ItemStarted({"type": "commandExecution"} as item):
                self._print(f"{item.get('command')} in {item.get('cwd')}", "exec", "italic magenta")
            case ev.ItemCompleted(item):
                self._show_item(item)
            case ev.Warned(message):
                self._print(message, "warning:", "yellow", " ")
            case ev.TurnAborted("interrupted" | "killed"):
                self._print("", "turn interrupted", "faint")
            case _:
                self._show_events(events)

    def finish(self, message: str | None, usage: Usage) -> None:
        """Print the tokens, and the final message."""
        tokens = max(0, usage.input - usage.cached_input) + usage.output
        self._print(f"{tokens:,}", "tokens used", "faint")
        if message is not None and self._repeats_message:
            self._out.write(message if message.endswith("\n") else f"{message}\n")

    def _show_events(self, events: list[ExecEvent]) -> None:
        for event in events:
            match event:
                case {"type": "error", "message": str(message)}:
                    self._print(message, "ERROR:", "red", " ")
                case {"item": {"type": "todo_list", "items": list(steps)}}:
                    marks = [f"{'✓' if s['completed'] else '•'} {s['text']}" for s in steps]
                    self._print("\n".join(marks), "plan", "italic magenta")

    def _show_item(self, item: JsonObject) -> None:
        match item:
            case {"type": "agentMessage", "text": str(text)}:
                self._print(text, "codex", "italic magenta")
            case {"type": "reasoning", "summary": list(summary)} if summary:
                self._print("\n".join(map(str, summary)))
            case {"type": "commandExecution"}:
                self._show_command_end(item)
            case {"type": "fileChange", "status": status}:
                self._print(f"patch: {status}", "apply patch", "italic magenta")
                for change in file_changes(item):
                    self._print(f"{change.path}\n{change.diff}")
            case {"type": "mcpToolCall", "server": server, "tool": tool, "status": status}:
                self._print(f"{server}/{tool} ({status})", "mcp:", "italic magenta", " ")
            case {"type": "webSearch", "query": query}:
                self._print(str(query), "web search:", "italic magenta", " ")

    def _show_command_end(self, item: JsonObject) -> None:
        code, took = item.get("exitCode"), item.get("durationMs")
        duration = f" in {took}ms" if isinstance(took, int) else ""
        if code == 0:
            self._print("", f" succeeded{duration}:", "green")
        else:
            ended = str(item.get("status")) if code is None else f"exited {code}"
            self._print("", f" {ended}{duration}:", "red")
        self._print(str(item.get("aggregatedOutput") or ""))

    def _print(self, text: str, title: str = "", style: str = "", separator: str = "\n") -> None:
        if title and self._colored:
            title = f"\x1b[{_STYLES[style]}m{title}\x1b[0m"
        parts = [part for part in (title, sanitize(text)) if part]
        self._err.write(f"{separator.join(parts)}\n")


def choose_color(color: str, environment: Mapping[str, str]) -> bool:
    """Return whether standard error gets colours, by `--color` and the environment."""
    if color == "auto":
        return sys.stderr.isatty() and not environment.get("NO_COLOR")
    return color == "always"


def write_last_message(path: Path, message: str | None) -> str:
    """Write the final message of a turn to a file; return what the user is to know of it."""
    try:
        path.write_text(message or "", encoding="utf-8")
    except OSError as error:
        return f"Failed to write last message file {str(path)!r}: {error.strerror}"
    if message is None:
        return f"Warning: no last agent message; wrote empty content to {path}"
    return ""


def replace_with_null(stream: TextIO) -> None:
    """Let the interpreter flush a stream whose reader is gone when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
