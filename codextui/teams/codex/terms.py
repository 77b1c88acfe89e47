"""The terms on which a role's Codex threads work, and what a model may still choose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codextui.errors import ServerRefused
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import tools
from codextui.teams.config.team import Route, find_route, work_property

_OPTIONS = (
    "model",
    "cwd",
    "sandbox",
    "approval-policy",
    "base-instructions",
    "developer-instructions",
    "compact-prompt",
    "config",
    "profile",
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the threads of one role get.

    Attributes:
        handle: what the threads are called.
        cwd: where they work; absolute.
        sandbox: what they may do; None leaves it to the model.
        approval_policy: when they must ask; None leaves it to the model.
        model: their model; empty leaves it to the model, or to `routes`.
        routes: the kinds of work that the model may name instead of a model.
        parent: the row of the role that they work for, empty where none is told of.
        confined: whether the model may choose nothing that widens these terms: no folder
            outside of `cwd`, no configuration, no profile.
    """

    handle: str
    cwd: Path
    sandbox: str | None = None
    approval_policy: str | None = None
    confined: bool = False
    model: str = ""
    routes: tuple[Route, ...] = ()
    parent: str = ""

    def arguments(self, asked: JsonObject) -> dict[str, object]:
        """The arguments of `codex-start` for what a model asked of `codex`.

        The terms win over the model. Raises ServerRefused, with what the model may do instead.
        """
        chosen = {key: asked[key] for key in _OPTIONS if asked.get(key) is not None}
        for key in ("config", "profile"):
            if self.confined and key in chosen:
                raise ServerRefused(f"{key} is fixed for your role: call again without it")
        if self.model or self.routes:
            chosen.pop("model", None)
            model = self.model or self._model_for(asked)
            chosen |= {"model": model} if model else {}
        if self.sandbox is not None:
            chosen["sandbox"] = self.sandbox
        if self.approval_policy is not None:
            chosen["approval-policy"] = self.approval_policy
        chosen["cwd"] = str(self._folder(fields.text_or(asked, "cwd")))
        if self.parent:
            chosen["parent"] = self.parent
        return {**chosen, "handle": self.handle}

    def tool(self) -> dict[str, object]:
        """The tool `codex` as the model sees it: without what is fixed."""
        schema = fields.as_object(tools.CODEX["inputSchema"], "inputSchema")
        properties = fields.as_object(schema["properties"], "properties")
        kept = {key: value for key, value in properties.items() if key not in self._fixed()}
        if self.routes and not self.model:
            kept["work"] = work_property(self.routes)
        return {**tools.CODEX, "inputSchema": {**schema, "properties": kept}}

    def _fixed(self) -> frozenset[str]:
        fixed = {"config", "profile"} if self.confined else set()
        if self.model or self.routes:
            fixed.add("model")
        if self.sandbox is not None:
            fixed.add("sandbox")
        if self.approval_policy is not None:
            fixed.add("approval-policy")
        return frozenset(fixed)

    def _model_for(self, asked: JsonObject) -> str:
        work = fields.text_or(asked, "work")
        if not work:
            return ""
        route = find_route(self.routes, work)
        if route is None:
            known = ", ".join(route.work for route in self.routes)
            raise ServerRefused(f"work {work!r} is no kind of work: there are {known}")
        return route.model

    def _folder(self, asked: str) -> Path:
        folder = (self.cwd / Path(asked).expanduser()).resolve()
        if self.confined and not folder.is_relative_to(self.cwd.resolve()):
            raise ServerRefused(f"cwd must be in {self.cwd}: leave it out to work there")
        return folder
