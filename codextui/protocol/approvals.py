"""The requests of agents to people, and the scopes of approvals."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self, TypeAlias, get_args

import msgspec

from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.codec import Message, convert
from codextui.protocol.decisions import Scope


class Deciders(StrEnum):
    """Who is asked about an approval of a turn that a client's call has started."""

    BOTH = "both"
    CONSOLE = "console"
    CLIENT = "client"


class Others(StrEnum):
    """What applies to the approvals of threads that other programs started on the same Codex."""

    SHOW = "show"
    """A person can decide them. No time-out and no rule of ours does."""
    DECIDE = "decide"
    """They are treated as those of our own threads."""


class FileChange(Message, frozen=True):
    """One file of a patch.

    Attributes:
        path: as Codex gives it.
        kind: `add`, `delete` or `update`.
        diff: a unified diff; for an added or deleted file the raw content.
        move_path: where an updated file is moved to, empty where it stays.
    """

    path: str
    kind: str
    diff: str = ""
    move_path: str = ""


class CommandAsked(Message, frozen=True, tag_field="kind", tag="command"):
    """May this command run? (`item/commandExecution/requestApproval`).

    Attributes:
        command: the whole command line, as it would run; never shortened.
        cwd: where it would run.
        reason: the model's justification, empty where it gave none.
        parsed: what Codex understood of it, a line per part (`read src/a.py`).
        rule: the command prefix that "always" would allow for good, in every thread; empty
            where Codex proposed none.
        network: `protocol://host` that the command wants to reach, empty otherwise.
        permissions: additional permissions asked for, as JSON; empty otherwise.
        stdin: whether this is input for a command that runs, rather than a new one.
        available: how far an approval may reach, as Codex lists it; None where it lists nothing.
        human: whether a managed policy demands a person's decision, for this one time.
    """

    command: str
    cwd: str = ""
    reason: str = ""
    parsed: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    network: str = ""
    permissions: JsonObject = msgspec.field(default_factory=dict)
    stdin: bool = False
    available: tuple[Scope, ...] | None = None
    human: bool = False


class PatchAsked(Message, frozen=True, tag_field="kind", tag="patch"):
    """May these changes be made to files? (`item/fileChange/requestApproval` and its item).

    Attributes:
        changes: the diff, file by file. Empty only where Codex has never shown it.
        reason: the model's justification, empty where it gave none.
        grant_root: the folder that approving makes writable for the session, empty otherwise.
        available: how far an approval may reach, as Codex lists it; None where it lists nothing.
    """

    changes: tuple[FileChange, ...] = ()
    reason: str = ""
    grant_root: str = ""
    available: tuple[Scope, ...] | None = None


class PermissionsAsked(Message, frozen=True, tag_field="kind", tag="permissions"):
    """May the agent have these permissions? (`item/permissions/requestApproval`).

    Attributes:
        permissions: what it asks for, as Codex gives it: `network`, `fileSystem`.
        cwd: the thread's folder.
        reason: the model's justification, empty where it gave none.
        available: how far an approval may reach, as Codex lists it; None where it lists nothing.
    """

    permissions: JsonObject = msgspec.field(default_factory=dict)
    cwd: str = ""
    reason: str = ""
    available: tuple[Scope, ...] | None = None


class Question(Message, frozen=True):
    """One question of the agent's.

    Attributes:
        question_id: the key of its answer.
        header: a few words.
        question: the whole question.
        options: `(label, description)` pairs; empty for a free answer.
        other: whether an answer beside the options is welcome.
        secret: whether the answer must not be shown while it is typed.
    """

    question_id: str
    header: str = ""
    question: str = ""
    options: tuple[tuple[str, str], ...] = ()
    other: bool = False
    secret: bool = False


class QuestionsAsked(Message, frozen=True, tag_field="kind", tag="questions"):
    """The agent wants answers (`item/tool/requestUserInput`)."""

    questions: tuple[Question, ...] = ()


class ElicitationAsked(Message, frozen=True, tag_field="kind", tag="elicitation"):
    """An MCP server that Codex uses wants something (`mcpServer/elicitation/request`).

    Attributes:
        server: the MCP server's name.
        mode: `form` or `url`; any other is shown and can only be declined.
        message: what it says.
        schema: the form's JSON schema (`form`).
        url: the address to open (`url`).
        meta: the request's `_meta`, such as `codex_approval_kind`.
    """

    server: str = ""
    mode: str = "form"
    message: str = ""
    schema: JsonObject = msgspec.field(default_factory=dict)
    url: str = ""
    meta: JsonObject = msgspec.field(default_factory=dict)


class ToolAsked(Message, frozen=True, tag_field="kind", tag="tool"):
    """May a role of a team call this tool, which is none of Codex's? (`codex-ask`).

    Attributes:
        tool: the tool's name.
        arguments: all that it would be called with.
        server: the MCP server whose tool it is, empty for one of the program's own.
        reason: why it is asked for, empty where nothing was said.
    """

    tool: str
    arguments: JsonObject = msgspec.field(default_factory=dict)
    server: str = ""
    reason: str = ""


class UnknownAsked(Message, frozen=True, tag_field="kind", tag="unknown"):
    """A request of a kind that we do not know. It is shown whole, and can only be declined.

    Attributes:
        method: the request's method.
        params: its parameters.
    """

    method: str
    params: JsonObject = msgspec.field(default_factory=dict)


Asked: TypeAlias = (
    CommandAsked
    | PatchAsked
    | PermissionsAsked
    | QuestionsAsked
    | ElicitationAsked
    | ToolAsked
    | UnknownAsked
)
"""What is asked: one of the kinds of request."""


class Approval(Message, frozen=True):
    """One open request to a person.

    Attributes:
        approval_id: unique for the server's life, short enough to type (`a7`).
        thread_id: the thread that asks.
        turn_id: the turn that waits.
        item_id: the item that it decides on, empty where there is none.
        handle: the thread's handle when it asked.
        asked_at: unix seconds.
        asked: what is asked.
        origin: the program whose thread asks (`ThreadInfo.origin`); empty where it is ours.
    """

    approval_id: str
    thread_id: str
    turn_id: str
    item_id: str
    handle: str
    asked_at: float
    asked: Asked
    origin: str = ""

    @property
    def kind(self) -> str:
        """The word for the kind of request on the wire, in the journal and in `--json`."""
        return kind_of(self.asked)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads: the kind stands beside `asked`."""
        return super().to_json() | {"asked": asked_to_json(self.asked), "kind": self.kind}

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        """Read what `to_json` returned. Raises MessageInvalid."""
        asked = fields.as_object(source.get("asked"), "asked")
        return convert({**source, "asked": {**asked, "kind": fields.text(source, "kind")}}, cls)


def approval_scopes(asked: Asked) -> tuple[Scope, ...]:
    """Return the scopes in which a request can be approved; none if a plain yes is no answer."""
    match asked:
        case CommandAsked(rule=rule, stdin=stdin, available=available):
            repeated = () if stdin else (Scope.SESSION,)
            scopes = (Scope.ONCE, *repeated, *((Scope.ALWAYS,) if rule else ()))
            return _listed(scopes, available)
        case PatchAsked(available=available) | PermissionsAsked(available=available):
            return _listed((Scope.ONCE, Scope.SESSION), available)
        case ToolAsked():
            return (Scope.ONCE, Scope.SESSION)
        case ElicitationAsked(mode="url") | ElicitationAsked(mode="form"):
            return () if asked.schema.get("required") else (Scope.ONCE, *_offered_scopes(asked))
        case QuestionsAsked() | ElicitationAsked() | UnknownAsked():
            return ()


def takes_answers(asked: Asked) -> bool:
    """Return whether a request has a form to fill in."""
    match asked:
        case QuestionsAsked():
            return True
        case ElicitationAsked(mode="form", schema=schema):
            return bool(schema.get("properties"))
        case _:
            return False


def _listed(scopes: tuple[Scope, ...], available: tuple[Scope, ...] | None) -> tuple[Scope, ...]:
    return tuple(scope for scope in scopes if available is None or scope in available)


def _offered_scopes(asked: ElicitationAsked) -> tuple[Scope, ...]:
    """Read how long an MCP tool may stay approved: `_meta.persist`, a word or several."""
    offered = asked.meta.get("persist")
    words = offered if isinstance(offered, list | tuple) else (offered,)
    return tuple(scope for scope in (Scope.SESSION, Scope.ALWAYS) if scope.value in words)


def kind_of(asked: Asked) -> str:
    """The word for a kind of request on the wire, in the journal and in `--json`."""
    return str(asked.__struct_config__.tag)


def asked_to_json(asked: Asked) -> dict[str, Any]:
    """Return the fields of a request as a JSON object, without its kind."""
    return {key: value for key, value in asked.to_json().items() if key != "kind"}


def parse_asked(kind: str, source: JsonObject) -> Asked:
    """Read the fields of a request of a kind (`kind_of`). Raises MessageInvalid."""
    known = _KINDS.get(kind)
    if known is None:
        raise MessageInvalid(f"an approval cannot be of kind {kind!r}")
    return known.from_json({**source, "kind": kind})


_KINDS: dict[str, type[Asked]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Asked)}

KINDS: tuple[str, ...] = tuple(_KINDS)
"""The words for the kinds of request."""
