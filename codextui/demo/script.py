"""A script as a table: who says what, one answer for each request."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Sequence

from codextui.demo.request import ModelRequest
from codextui.demo.step import Step

ModelScript = Callable[[ModelRequest], Iterable[Step] | AsyncIterable[Step]]
"""What `ScriptedModel` plays: a function, a generator or an async generator. It is called once
for each request and its steps make the answer. An async generator may await between steps."""

Answer = Step | Sequence[Step] | ModelScript
"""One answer: a step, several of them, or a function of the request."""


class Script:
    """A table of answers by what the user said and by role.

    Which rule answers: the thread's user texts are tried from the latest back to the first, and
    for each one the rules in the order they were added; the first that fits answers. So a
    follow-up or a steer with a rule of its own gets that, and any other one continues where the
    thread was.

    Each thread plays each rule by itself, one answer for each request, and a fork goes on where
    its source was at that point. When the answers have run out, or no rule fits, the model says
    so in a plain message.

    Example:
        >>> script = Script()
        >>> script.on("fix the bug", [Think("Look first."), Run("ls")], Say("Done."))
        >>> script.on("", Say("I have nothing to do."), role="tester", repeat=True)
    """

    def __init__(self) -> None:
        raise NotImplementedError

    def on(self, text: str, /, *answers: Answer, role: str = "", repeat: bool = False) -> Script:
        """Adds a rule.

        Args:
            text: fits a user text that contains it, in any case; "" fits every one.
            answers: what is answered, one for each request.
            role: where given, fits only threads whose base or developer instructions contain it,
                in any case.
            repeat: begin again when the answers have run out.

        Returns:
            This script, so that rules can be chained.
        """
        raise NotImplementedError

    def __call__(self, request: ModelRequest) -> Iterable[Step]:
        """Returns the steps that answer a request."""
        raise NotImplementedError
