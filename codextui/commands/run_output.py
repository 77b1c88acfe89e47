"""The output of `codextui run`: the events of a run, recorded and printed until it has ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from codextui.commands.output import print_indented, print_json, print_line, print_note
from codextui.commands.run_text import print_costs
from codextui.protocol.runs import RunEventKind
from codextui.teams.records.events import RunEvent, RunLog
from codextui.text.sanitize import one_line, sanitize

_T = TypeVar("_T")

EXIT_PIPE = 141
"""The reader of our output has closed it."""

_INTERRUPTIONS = {
    signal.SIGINT: "Ctrl-C",
    signal.SIGTERM: "its process was asked to end (SIGTERM)",
    signal.SIGHUP: "its terminal is gone (SIGHUP)",
}

_MAX_LINE = 160
_MAX_ANSWER_LINES = 8

_VERBS = {
    RunEventKind.ROLE_STARTED: "",
    RunEventKind.TOOL_CALLED: "calls ",
    RunEventKind.HANDED_OFF: "hands off ",
    RunEventKind.HANDOFF_REFUSED: "is refused to hand off ",
    RunEventKind.ROLE_FINISHED: "is done: ",
}


class RunInterrupted(Exception):
    """Raised when a signal, or the loss of the reader of its output, interrupted a run.

    Attributes:
        exit_code: the exit code of the process.
    """

    def __init__(self, why: str, exit_code: int) -> None:
        super().__init__(why)
        self.exit_code = exit_code


class RunOutput:
    """Records and prints the events of a run, of which `run_ended` is the last.

    Events that come after it are dropped. Once nobody reads the output any more, events are only
    recorded.

    Args:
        log: the log of the run.
        as_json: print one JSON object a line instead of text.

    Attributes:
        on_broken: called once when nobody reads the output any more.
    """

    def __init__(self, log: RunLog, *, as_json: bool) -> None:
        self.on_broken: Callable[[], object] = lambda: None
        self._log = log
        self._as_json = as_json
        self._has_ended = False
        self._is_broken = False

    def handle(self, event: RunEvent) -> None:
        """Record and print an event. Raises OSError if it cannot be printed."""
        if self._has_ended:
            return
        self._has_ended = event.kind is RunEventKind.RUN_ENDED
        self._log.record(event)
        if self._is_broken:
            return
        try:
            print_event(event, as_json=self._as_json)
            sys.stdout.flush()
        except BrokenPipeError:
            self._is_broken = True
            self.on_broken()


async def run_interruptibly(run: Coroutine[Any, Any, _T], output: RunOutput) -> _T:
    """Run a coroutine, which SIGINT, SIGTERM, SIGHUP and the loss of the reader cancel.

    A second signal ends the process. Signals that are ignored, as by `nohup`, stay ignored.

    Raises:
        RunInterrupted: it was cancelled, and has ended.
    """
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(run)
    interruptions: list[RunInterrupted] = []
    numbers = [n for n in _INTERRUPTIONS if signal.getsignal(n) is not signal.SIG_IGN]
    if threading.current_thread() is not threading.main_thread():
        numbers = []

    def interrupt(why: str, exit_code: int) -> None:
        interruptions.append(RunInterrupted(why, exit_code))
        release()
        running.cancel()

    def release() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)
        numbers.clear()

    for number in numbers:
        loop.add_signal_handler(number, interrupt, _INTERRUPTIONS[number], 128 + number)
    unread = "nobody reads its output any more"
    output.on_broken = partial(loop.call_soon, interrupt, unread, EXIT_PIPE)
    try:
        return await running
    except asyncio.CancelledError:
        if not interruptions:
            raise
        raise interruptions[0] from None
    finally:
        release()


def print_event(event: RunEvent, *, as_json: bool, with_time: bool = True) -> None:
    """Print an event on standard output; print on standard error what a person must do.

    Args:
        event: the event.
        as_json: print a JSON object instead of text.
        with_time: print the time of day before the text.
    """
    if as_json:
        print_json(event.to_json())
    else:
        _print_event_text(event, _clock_time(event.at) if with_time else "")
    match event.kind:
        case RunEventKind.PERSON_NEEDED:
            print_note(_describe_decision(event))
        case RunEventKind.TROUBLE:
            print_note(sanitize(event.text))
        case RunEventKind.RUN_ENDED if resume := one_line(str(event.data.get("resume", ""))):
            print_note(f"`{resume}` goes on with it")
        case _:
            pass


def _clock_time(at: float) -> str:
    """Return the time of day and a space, dim in terminals."""
    text = datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")
    is_dim = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return f"\x1b[2m{text}\x1b[0m " if is_dim else f"{text} "


def _describe_decision(event: RunEvent) -> str:
    approval = one_line(str(event.data.get("approval", "")))
    yes = f"`codextui approve {approval}` says yes"
    if event.data.get("asks") in ("questions", "elicitation"):
        yes = f"`codextui answer {approval} ANSWER` answers"
    return (
        f"needs input: `codextui approvals` shows it, {yes}, `codextui decline {approval}` says "
        "no; or open the console"
    )


def _print_event_text(event: RunEvent, time: str) -> None:
    role = one_line(event.role)
    match event.kind:
        case RunEventKind.ROLE_SAID:
            print_line(f"{time}{role} says:")
            print_indented(sanitize(event.text))
        case RunEventKind.TOOL_CALLED:
            print_line(f"{time}{role} calls {one_line(event.text, _MAX_LINE)}")
        case RunEventKind.TOOL_ANSWERED:
            _print_answer(f"{time}{role} is answered", event.text)
        case RunEventKind.HANDOFF_REFUSED | RunEventKind.SENT_BACK:
            first, _, rest = sanitize(event.text).partition("\n")
            print_line(f"{time}{role} {_VERBS.get(event.kind, '')}{first}")
            print_indented(rest)
        case RunEventKind.RUN_ENDED:
            _print_end(event, time)
        case _:
            text = f"{_VERBS.get(event.kind, '')}{one_line(event.text)}"
            print_line(f"{time}{role} {text}" if role else f"{time}{text}")


def _print_answer(head: str, text: str) -> None:
    """Print the text of a tool's result: beside the head, or the first lines of it below."""
    lines = [line.rstrip() for line in sanitize(text).strip().split("\n")]
    if len(lines) == 1 and len(lines[0]) <= _MAX_LINE:
        print_line(f"{head}: {lines[0]}".rstrip())
        return
    print_line(f"{head}:")
    for line in lines[:_MAX_ANSWER_LINES]:
        print_indented(one_line(line, _MAX_LINE))
    if len(lines) > _MAX_ANSWER_LINES:
        print_indented(f"… ({len(lines) - _MAX_ANSWER_LINES} more lines)")


def _print_end(event: RunEvent, time: str) -> None:
    print_line()
    print_line(f"{time}{sanitize(event.text)}")
    if "usage" in event.data:
        print_costs(event.data)
