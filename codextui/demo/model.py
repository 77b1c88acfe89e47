"""The scripted model: OpenAI's Responses API on loopback, answered by a script."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from codextui.demo.request import ModelRequest
from codextui.demo.script import ModelScript


class ScriptedModel:
    """A model's HTTP server on 127.0.0.1 that answers as its script says.

    Any number of threads may ask at once. It needs no key and looks at none.

    Example:
        >>> async with ScriptedModel(Script().on("", Say("Hello."))) as model:
        ...     write_codex_home(home, model.base_url)

    Attributes:
        base_url: the `base_url` of the model provider, e.g. `http://127.0.0.1:40123/v1`;
            "" until it is started.
        faults: what went wrong in the script or with a request, as sentences. A test may assert
            that it is empty.
    """

    base_url: str
    faults: list[str]

    def __init__(self, script: ModelScript, *, port: int = 0, kept_requests: int = 1000) -> None:
        raise NotImplementedError

    @property
    def requests(self) -> Sequence[ModelRequest]:
        """The requests so far, oldest first; only the last `kept_requests` are kept.

        Auxiliary requests that Codex makes by itself (titles, reviews of its own) are not among
        them.
        """
        raise NotImplementedError

    async def requested(self, count: int) -> ModelRequest:
        """Waits until `count` requests have come in all, and returns the one with that number.

        Args:
            count: 1 waits for the first request.
        """
        raise NotImplementedError

    async def start(self) -> None:
        """Starts to listen. `async with` does it for you."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Stops listening and hangs up on everyone, held streams too."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        raise NotImplementedError

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        raise NotImplementedError
