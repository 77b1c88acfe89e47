"""Threads in the calls of `codex app-server`: options for a thread, and the thread loaded. Pure.

People write sandboxes and approval policies in the words of Codex's configuration
(`workspace-write`); app-server answers in objects of its protocol
(`{"type": "workspaceWrite", …}`). Everything above this room uses the former.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject


@dataclass(frozen=True, slots=True)
class ThreadOptions:
    """Options of a thread. None leaves an option to Codex's own configuration.

    Attributes:
        model: the model's name.
        cwd: the working folder, absolute.
        sandbox: `read-only`, `workspace-write` or `danger-full-access`.
        approval_policy: `untrusted`, `on-request` or `never`.
        base_instructions: replace Codex's own instructions.
        developer_instructions: added to Codex's own instructions.
        compact_prompt: the prompt by which the model compacts its history.
        profile: a profile of the user's, the file `$CODEX_HOME/PROFILE.config.toml`.
        config: single settings of config.toml, by dotted key; they override the profile's.
        current_cwd: the folder of a thread that exists already, where its project's
            configuration lies. Not sent to Codex.
        add_dirs: folders, absolute, that a `workspace-write` sandbox may write to beside its own
            and those that the user has configured.
        raw_events: whether Codex also sends the model's raw items (new threads only).
    """

    model: str | None = None
    cwd: str | None = None
    sandbox: str | None = None
    approval_policy: str | None = None
    base_instructions: str | None = None
    developer_instructions: str | None = None
    compact_prompt: str | None = None
    profile: str | None = None
    config: Mapping[str, Json] = field(default_factory=dict)
    current_cwd: str | None = None
    add_dirs: tuple[str, ...] = ()
    raw_events: bool = False

    def to_params(self, profile: JsonObject) -> dict[str, Json]:
        """Return the parameters of `thread/start`.

        Args:
            profile: the settings of the profile, which `config` overrides.
        """
        config = {**profile, **self.config}
        if self.compact_prompt is not None:
            config["compact_prompt"] = self.compact_prompt
        params: dict[str, Json] = {
            "model": self.model,
            "cwd": self.cwd,
            "sandbox": self.sandbox,
            "approvalPolicy": self.approval_policy,
            "baseInstructions": self.base_instructions,
            "developerInstructions": self.developer_instructions,
            "config": config or None,
            "experimentalRawEvents": self.raw_events or None,
        }
        return {key: value for key, value in params.items() if value is not None}


@dataclass(frozen=True, slots=True)
class LoadedThread:
    """A thread that Codex has loaded: the result of `thread/start`, `thread/resume`, `thread/fork`.

    Attributes:
        thread_id: Codex's id.
        cwd: its working folder, absolute.
        model: the model's name.
        model_provider: the id of the model's provider.
        sandbox: see `sandbox_mode`.
        approval_policy: see `approval_policy_name`.
        branch: the git branch of `cwd`, empty where there is none.
        name: the name that the user gave it in Codex, empty where none.
        preview: the beginning of its first prompt.
        forked_from: the thread it was forked from, empty otherwise.
        parent: the thread whose sub-agent it is, empty otherwise.
        nickname: the name that Codex gave the sub-agent, empty otherwise.
        turns: the turns that came with it (`resume_thread`), oldest first.
        result: the whole result.
    """

    thread_id: str
    cwd: str
    model: str
    sandbox: str
    approval_policy: str
    model_provider: str = ""
    branch: str = ""
    name: str = ""
    preview: str = ""
    forked_from: str = ""
    parent: str = ""
    nickname: str = ""
    turns: tuple[JsonObject, ...] = ()
    result: JsonObject = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, result: JsonObject) -> LoadedThread:
        """Read the result of one of the three calls. Raises MessageInvalid."""
        thread = fields.as_object(result.get("thread"), "thread")
        page = fields.as_object(result.get("initialTurnsPage") or {}, "initialTurnsPage")
        return cls(
            thread_id=fields.text(thread, "id"),
            cwd=fields.text_or(result, "cwd"),
            model=fields.text_or(result, "model"),
            sandbox=sandbox_mode(result.get("sandbox")),
            approval_policy=approval_policy_name(result.get("approvalPolicy")),
            model_provider=fields.text_or(result, "modelProvider"),
            branch=_branch(thread),
            name=fields.text_or(thread, "name"),
            preview=fields.text_or(thread, "preview"),
            forked_from=fields.text_or(thread, "forkedFromId"),
            parent=fields.text_or(thread, "parentThreadId"),
            nickname=fields.text_or(thread, "agentNickname"),
            turns=fields.objects(page, "data")[::-1],
            result=result,
        )


_SANDBOX_MODES = {
    "readOnly": "read-only",
    "workspaceWrite": "workspace-write",
    "dangerFullAccess": "danger-full-access",
}


def sandbox_mode(policy: Json) -> str:
    """Return a `SandboxPolicy` in the words of `sandbox_mode` in Codex's configuration.

    A type that the configuration does not know, such as `externalSandbox`, is returned as it is,
    and anything that is no `SandboxPolicy` as an empty string.
    """
    match policy:
        case {"type": str(kind)}:
            return _SANDBOX_MODES.get(kind, kind)
        case _:
            return ""


def approval_policy_name(policy: Json) -> str:
    """Return the name of an `AskForApproval`: `untrusted`, `on-request`, `never` or `granular`.

    Anything else gives an empty string.
    """
    match policy:
        case str():
            return policy
        case {"granular": _}:
            return "granular"
        case _:
            return ""


def _branch(thread: JsonObject) -> str:
    git = thread.get("gitInfo")
    return fields.text_or(git, "branch") if isinstance(git, dict) else ""
