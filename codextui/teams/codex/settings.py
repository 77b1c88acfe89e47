"""The settings of a role's Codex threads, and what the model may choose itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codextui.errors import ServerRefused
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import codex_tools
from codextui.teams.config.team import Route, find_route, work_schema

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
class ThreadSettings:
    """The settings of the threads that a role, or a script's agent, starts.

    Attributes:
        handle: the threads' handle, numbered where it is taken; empty for the server's default.
        cwd: the working folder, absolute.
        sandbox: the sandbox mode; None leaves it to the model.
        approval_policy: the approval policy; None leaves it to the model.
        confined: whether the model may not widen these settings by a folder outside of `cwd`, a
            configuration or a profile.
        model: the model's name; empty leaves it to the calling model, or to `routes`.
        routes: the kinds of work that the calling model may name instead of a model.
        parent: the id of the thread under which the threads are shown; empty for none.
    """

    handle: str
    cwd: Path
    sandbox: str | None = None
    approval_policy: str | None = None
    confined: bool = False
    model: str = ""
    routes: tuple[Route, ...] = ()
    parent: str = ""

    def codex_tool(self) -> dict[str, object]:
        """Return the tool `codex` for `tools/list`, without the arguments that are fixed."""
        schema = fields.as_object(codex_tools.CODEX["inputSchema"], "inputSchema")
        properties = fields.as_object(schema["properties"], "properties")
        fixed = self._fixed_arguments()
        free = {key: value for key, value in properties.items() if key not in fixed}
        if self.routes and not self.model:
            free["work"] = work_schema(self.routes)
        return {**codex_tools.CODEX, "inputSchema": {**schema, "properties": free}}

    def start_arguments(self, requested: JsonObject) -> dict[str, object]:
        """Return the arguments of `codex-start` for the arguments of a call of `codex`.

        These settings override the requested ones. Raises ServerRefused, with a message for the
        model, if the request is not allowed.
        """
        chosen = {key: requested[key] for key in _OPTIONS if requested.get(key) is not None}
        for key in ("config", "profile"):
            if self.confined and key in chosen:
                raise ServerRefused(f"{key} is fixed for your role: call again without it")
        if self.model or self.routes:
            chosen.pop("model", None)
            model = self.model or self._routed_model(requested)
            chosen |= {"model": model} if model else {}
        if self.sandbox is not None:
            chosen["sandbox"] = self.sandbox
        if self.approval_policy is not None:
            chosen["approval-policy"] = self.approval_policy
        chosen["cwd"] = str(self._resolve_cwd(fields.text_or(requested, "cwd")))
        if self.parent:
            chosen["parent"] = self.parent
        return {**chosen, "handle": self.handle, "numbered": True}

    def _fixed_arguments(self) -> frozenset[str]:
        fixed = {"config", "profile"} if self.confined else set()
        if self.model or self.routes:
            fixed.add("model")
        if self.sandbox is not None:
            fixed.add("sandbox")
        if self.approval_policy is not None:
            fixed.add("approval-policy")
        return frozenset(fixed)

    def _routed_model(self, requested: JsonObject) -> str:
        work = fields.text_or(requested, "work")
        if not work:
            return ""
        route = find_route(self.routes, work)
        if route is None:
            known = ", ".join(route.work for route in self.routes)
            raise ServerRefused(f"work {work!r} is no kind of work: there are {known}")
        return route.model

    def _resolve_cwd(self, requested: str) -> Path:
        folder = (self.cwd / Path(requested).expanduser()).resolve()
        if self.confined and not folder.is_relative_to(self.cwd.resolve()):
            raise ServerRefused(f"cwd must be in {self.cwd}: leave it out to work there")
        return folder
