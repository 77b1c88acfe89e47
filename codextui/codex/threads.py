"""Threads in the calls of `codex app-server`: options, a thread loaded, a thread listed. Pure.

People write sandboxes and approval policies in the words of Codex's configuration
(`workspace-write`); app-server answers in objects of its protocol
(`{"type": "workspaceWrite", …}`). Everything above this room uses the former.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.threads import ThreadState
from codextui.text.sanitize import one_line

MAX_ID = 200
"""Characters of a thread's id; Codex's own have 36."""

MAX_NAME = 200
"""Characters that are read of a thread's name in Codex."""

MAX_ORIGIN = 40
"""Characters of the label of the program that started a thread."""

OWN_SOURCE = "codextui"
"""The `threadSource` of threads that a codextui server starts where other programs see them."""

ANOTHER_PROGRAM = "another program"
"""The label of a program of which nothing is known."""


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
        source: what the thread says of the program that starts it (`threadSource`); None for
            nothing.
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
    source: str | None = None

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
            "threadSource": self.source,
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
        parent: the thread whose sub-agent it is, or that it is attached to; empty otherwise.
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
            parent=(
                fields.text_or(thread, "parentThreadId")
                or fields.text_or(thread, "attachedToThreadId")
            ),
            nickname=fields.text_or(thread, "agentNickname"),
            turns=fields.objects(page, "data")[::-1],
            result=result,
        )


@dataclass(frozen=True, slots=True)
class ThreadStatus:
    """What a thread does (`ThreadStatus`).

    Attributes:
        loaded: whether an app-server has it loaded.
        state: its state, IDLE where it is not loaded.
        waits_for: what a person has to do (`approval`, `answer`); empty where nothing.
    """

    loaded: bool
    state: ThreadState = ThreadState.IDLE
    waits_for: str = ""

    @classmethod
    def parse(cls, status: Json) -> ThreadStatus:
        """Read a status. Never raises; one of an unknown type is loaded and idle."""
        match status:
            case {"type": "active", "activeFlags": [*flags]}:
                words = {"waitingOnApproval": "approval", "waitingOnUserInput": "answer"}
                waits_for = next((word for flag, word in words.items() if flag in flags), "")
                state = ThreadState.NEEDS_INPUT if waits_for else ThreadState.RUNNING
                return cls(True, state, waits_for)
            case {"type": "active"}:
                return cls(True, ThreadState.RUNNING)
            case {"type": "systemError"}:
                return cls(True, ThreadState.FAILED)
            case {"type": "notLoaded"}:
                return cls(False)
            case _:
                return cls(isinstance(status, dict))


@dataclass(frozen=True, slots=True)
class ListedThread:
    """A thread as Codex lists it, whoever started it (`Thread`).

    Its texts are of other programs: names and labels are sanitized and bounded here, the preview
    is not.

    Attributes:
        thread_id: Codex's id.
        status: what it does.
        name: the name that it has in Codex, empty where none.
        preview: the beginning of its first prompt, empty before the first turn.
        cwd: its working folder.
        branch: the git branch of `cwd`, empty where there is none.
        model: the model's name, empty where unknown.
        created_at: unix seconds, 0 where unknown.
        recent_at: unix seconds of the last activity, None where unknown.
        parent: the thread whose sub-agent it is, or that it is attached to; empty otherwise.
        forked_from: the thread it was forked from, empty otherwise.
        nickname: the name that Codex gave the sub-agent, empty otherwise.
        origin: the label of the program that started it (see `parse`).
        is_internal: whether a program has started it for a purpose of its own, such as to find a
            title for another thread, and no person talks to it.
    """

    thread_id: str
    status: ThreadStatus
    name: str = ""
    preview: str = ""
    cwd: str = ""
    branch: str = ""
    model: str = ""
    created_at: float = 0.0
    recent_at: float | None = None
    parent: str = ""
    forked_from: str = ""
    nickname: str = ""
    origin: str = ANOTHER_PROGRAM
    is_internal: bool = False

    @classmethod
    def parse(cls, thread: JsonObject, *, program: str = "") -> ListedThread:
        """Read a `Thread`. A member of the wrong type counts as missing, except for the id.

        Args:
            thread: the object.
            program: the name that the app-server's first client gave itself
                (`AppServer.program`), which Codex records for all threads of the process.

        Raises:
            MessageInvalid: it has no id, or one that is longer than MAX_ID.
        """
        thread_id = _soft_text(thread, "id")
        if not 0 < len(thread_id) <= MAX_ID or not thread_id.isprintable():
            raise MessageInvalid("a thread has an id")
        git = thread.get("gitInfo")
        recent_at = _time(thread.get("recencyAt")) or _time(thread.get("updatedAt"))
        return cls(
            thread_id=thread_id,
            status=ThreadStatus.parse(thread.get("status")),
            name=one_line(_soft_text(thread, "name"), MAX_NAME),
            preview=_soft_text(thread, "preview"),
            cwd=_soft_text(thread, "cwd"),
            branch=_soft_text(git, "branch") if isinstance(git, dict) else "",
            model=_soft_text(thread, "model"),
            created_at=_time(thread.get("createdAt")) or 0.0,
            recent_at=recent_at,
            parent=parent_of(thread) or _soft_text(thread, "attachedToThreadId"),
            forked_from=_soft_text(thread, "forkedFromId"),
            nickname=one_line(_soft_text(thread, "agentNickname"), MAX_NAME),
            origin=_origin(thread, program),
            is_internal=thread.get("ephemeral") is True and thread.get("threadSource") in _INTERNAL,
        )


def parent_of(thread: JsonObject) -> str:
    """Return the id of the thread whose sub-agent a `Thread` is; empty where it is none."""
    match thread:
        case {"parentThreadId": str(parent)} if parent:
            return parent
        case {"source": {"subAgent": {"thread_spawn": {"parent_thread_id": str(parent)}}}}:
            return parent
        case _:
            return ""


_PROGRAMS = {
    "codex-tui": "Codex TUI",
    "codex_cli_rs": "Codex TUI",
    "codex_vscode": "IDE",
    "codex_exec": "exec",
    "codextui": "codextui",
}
"""Labels of programs, by the name that they give themselves."""

_INTERNAL = ("thread_title",)
"""`threadSource` of the threads that programs start for a purpose of their own."""

_SOURCES = {"cli": "Codex TUI", "exec": "exec"}
"""Labels of programs that have an app-server of their own, by `source`."""


def _origin(thread: JsonObject, program: str) -> str:
    """Return the label of the program that started a thread.

    `originator` is no more than the first client of the app-server which made the thread. Where
    that is the one that we are connected to, and its first client was a codextui, it says nothing.
    Of an earlier app-server, which had a codextui as its first client, it stays in the history.
    """
    originator, user = _soft_text(thread, "originator"), thread.get("threadSource")
    if user == OWN_SOURCE:
        return "codextui"
    if not originator and ThreadStatus.parse(thread.get("status")).loaded:
        originator = program  # as 0.163 and newer say it; 0.153.4 does not
    match thread.get("source"):
        case {"custom": str(name)} if name.strip():
            return _label(name)
        case "cli" | "exec" as source:
            return _SOURCES[source]
        case "vscode" if not originator:
            return "IDE"
        case _:
            pass
    # Of the programs that others may precede, Codex's own screen says that it is a user's.
    if user == "user" and originator in (program, "codextui"):
        return "Codex TUI"
    if originator == program == "codextui":
        return ANOTHER_PROGRAM
    return _label(originator)


def _label(name: str) -> str:
    return _PROGRAMS.get(name) or one_line(name, MAX_ORIGIN) or ANOTHER_PROGRAM


def _soft_text(source: JsonObject, key: str) -> str:
    value = source.get(key)
    return value if isinstance(value, str) else ""


def _time(value: Json) -> float | None:
    """Return unix seconds; None for what can be none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 < value < _LATEST else None


_LATEST = 32_503_680_000  # the year 3000

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
