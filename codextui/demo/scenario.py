"""What the demo's agents say and do, request by request."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import AsyncIterator

from codextui.demo.agents import ROLES, Builder, Tester, Visitor, Writer
from codextui.demo.request import ModelRequest
from codextui.demo.script import Act, ActAnswer, Cues
from codextui.demo.steps import Pace, Step


class Scenario:
    """The script of the demo: a `ModelScript`.

    Where a thread is in its act is read from the history that Codex sends, so a fork goes on
    where its source was. A prompt that opens no act is a steer while the act lasts, which is
    acknowledged, and is a visitor's afterwards.

    Args:
        pace: how fast everybody writes.
        has_git: whether the project is a git repository.
        patience_s: how long a role waits for what another one makes, in seconds.
    """

    def __init__(self, pace: Pace, *, has_git: bool, patience_s: float = 120.0) -> None:
        cues = Cues(patience_s)
        python = python_command()
        self._pace = pace
        self._visitor = Visitor(pace)
        self._acts = {
            "builder": Builder(cues, pace, python=python, has_git=has_git).acts(),
            "tester": Tester(cues, pace, python=python).acts(),
            "writer": Writer(cues, pace).acts(),
        }

    def __call__(self, request: ModelRequest) -> AsyncIterator[Step]:
        """Returns the steps that answer a request."""
        opened = self._opened(request)
        if opened is None:
            return self._visitor.welcome(request)
        act, position, latest = opened
        if position >= len(act.answers):
            return self._visitor.welcome(request)
        answer = act.answers[position]
        steered = not latest and request.answered[-1] == 0
        return self._acknowledge(request, answer) if steered else answer(request)

    async def _acknowledge(self, request: ModelRequest, answer: ActAnswer) -> AsyncIterator[Step]:
        yield self._pace.say(f"Noted: {shorten(request.last_user_text)}")
        async for step in answer(request):
            yield step

    def _opened(self, request: ModelRequest) -> tuple[Act, int, bool] | None:
        """Returns the act opened last, the answers given in it, and if the last text opened it."""
        own = self._acts.get(role_name(request), ())
        for index in reversed(range(len(request.user_texts))):
            act = self._act_of(request.user_texts[index], own)
            if act is not None:
                latest = index == len(request.user_texts) - 1
                return act, sum(request.answered[index:]), latest
        return None

    def _act_of(self, text: str, own: tuple[Act, ...]) -> Act | None:
        """Returns the act that a user text opens; a visitor's word must be all of the text."""
        words = (act for act in self._visitor.acts() if act.opening == text.strip().lower())
        return next((act for act in own if act.opening in text), next(words, None))


def role_name(request: ModelRequest) -> str:
    """Returns the name of the role whose instructions the thread was given, "" for none."""
    told = f"{request.instructions}\n{request.developer}"
    return next((role.name for role in ROLES if role.instructions in told), "")


def python_command() -> str:
    """Returns how to call Python in a shell."""
    return "python3" if shutil.which("python3") else shlex.quote(sys.executable)


def shorten(text: str, limit: int = 80) -> str:
    """Returns the text in one line of at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
