"""Threads as app-server tells of them: asked for, started, listed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject

_SANDBOX_WORDS = {
    "readOnly": "read-only",
    "workspaceWrite": "workspace-write",
    "dangerFullAccess": "danger-full-access",
}


@dataclass(frozen=True, slots=True)
class ThreadOptions:
    """How a thread is to run; None leaves it to Codex's own configuration.

    Attributes:
        model: the model's name.
        cwd: the working folder, absolute.
        sandbox: `read-only`, `workspace-write` or `danger-full-access`.
        approval_policy: `untrusted`, `on-request` or `never`.
        base_instructions: instead of Codex's own instructions.
        developer_instructions: beside them.
        compact_prompt: what the model is told when the history is compacted.
        profile: a profile of the user's: the settings in `$CODEX_HOME/PROFILE.config.toml`.
        config: single settings of config.toml, dotted keys allowed; they win over the profile's.
        folder: where it works already, for who needs to know; Codex is not told.
        raw_events: whether Codex tells of the model's raw items, too (for a new thread only).
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
    folder: str | None = None
    raw_events: bool = False

    def to_params(self, profile: JsonObject) -> dict[str, Json]:
        """The parameters of `thread/start`, with the settings of the profile."""
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
class StartedThread:
    """A thread that Codex has loaded (`thread/start`, `thread/resume`, `thread/fork`).

    Attributes:
        thread_id: Codex's id.
        cwd: its working folder, absolute.
        model: the model's name.
        sandbox: `read-only`, `workspace-write` or `danger-full-access` (or Codex's own word for
            another).
        approval_policy: `untrusted`, `on-request`, `never` or `granular`.
        branch: the git branch of `cwd`, empty where there is none.
        name: as set by `set_name`, empty where none.
        preview: the first prompt, as far as Codex shows it.
        forked_from: the thread it was forked from, empty otherwise.
        created_at: unix seconds.
        turns: the turns that came with it (`resume_thread`), oldest first.
        result: the whole answer.
    """

    thread_id: str
    cwd: str
    model: str
    sandbox: str
    approval_policy: str
    branch: str = ""
    name: str = ""
    preview: str = ""
    forked_from: str = ""
    created_at: float = 0.0
    turns: tuple[JsonObject, ...] = ()
    result: JsonObject = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, result: JsonObject) -> StartedThread:
        """Read the result of one of the three calls. Raises WireInvalid."""
        thread = fields.as_object(result.get("thread"), "thread")
        page = fields.as_object(result.get("initialTurnsPage") or {}, "initialTurnsPage")
        return cls(
            thread_id=fields.text(thread, "id"),
            cwd=fields.text_or(result, "cwd"),
            model=fields.text_or(result, "model"),
            sandbox=sandbox_word(result.get("sandbox")),
            approval_policy=policy_word(result.get("approvalPolicy")),
            branch=_branch(thread),
            name=fields.text_or(thread, "name"),
            preview=fields.text_or(thread, "preview"),
            forked_from=fields.text_or(thread, "forkedFromId"),
            created_at=fields.number_or(thread, "createdAt"),
            turns=fields.objects(page, "data")[::-1],
            result=result,
        )


@dataclass(frozen=True, slots=True)
class ListedThread:
    """A thread of Codex's history (`thread/list`), loaded or not.

    Attributes:
        thread_id: Codex's id.
        cwd: its working folder.
        status: `notLoaded`, `idle`, `systemError` or `active`.
        name: as set by `set_name`, empty where none.
        preview: the first prompt, as far as Codex shows it.
        branch: the git branch it was started on, empty where there was none.
        forked_from: the thread it was forked from, empty otherwise.
        created_at: unix seconds.
        updated_at: unix seconds.
    """

    thread_id: str
    cwd: str
    status: str
    name: str = ""
    preview: str = ""
    branch: str = ""
    forked_from: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0

    @classmethod
    def parse(cls, thread: JsonObject) -> ListedThread:
        """Read one `Thread`. Raises WireInvalid."""
        return cls(
            thread_id=fields.text(thread, "id"),
            cwd=fields.text_or(thread, "cwd"),
            status=fields.text(fields.as_object(thread.get("status"), "status"), "type"),
            name=fields.text_or(thread, "name"),
            preview=fields.text_or(thread, "preview"),
            branch=_branch(thread),
            forked_from=fields.text_or(thread, "forkedFromId"),
            created_at=fields.number_or(thread, "createdAt"),
            updated_at=fields.number_or(thread, "updatedAt"),
        )


def sandbox_word(policy: Json) -> str:
    """The word for a `SandboxPolicy` as people set it, Codex's own for one that has none."""
    match policy:
        case {"type": str(kind)}:
            return _SANDBOX_WORDS.get(kind, kind)
        case _:
            return ""


def policy_word(policy: Json) -> str:
    """The word for an `AskForApproval`."""
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
