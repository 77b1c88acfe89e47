"""What an agent asks a person, and what the person can answer."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TypeAlias

from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of a patch.

    Attributes:
        path: as Codex gives it.
        kind: `add`, `delete` or `update`.
        diff: a unified diff; for an added or deleted file the raw content.
        move_path: where an updated file is moved to, empty where it stays.
    """

    path: str
    kind: str
    diff: str
    move_path: str = ""

    @classmethod
    def parse(cls, source: JsonObject) -> FileChange:
        """Read what `asdict` wrote. Raises WireInvalid."""
        return cls(
            path=fields.text(source, "path"),
            kind=fields.text(source, "kind"),
            diff=fields.text_or(source, "diff"),
            move_path=fields.text_or(source, "move_path"),
        )


@dataclass(frozen=True, slots=True)
class CommandAsked:
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
    """

    command: str
    cwd: str = ""
    reason: str = ""
    parsed: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    network: str = ""
    permissions: JsonObject = field(default_factory=dict)
    stdin: bool = False


@dataclass(frozen=True, slots=True)
class PatchAsked:
    """May these changes be made to files? (`item/fileChange/requestApproval` and its item).

    Attributes:
        changes: the diff, file by file. Empty only where Codex has never shown it.
        reason: the model's justification, empty where it gave none.
        grant_root: the folder that approving makes writable for the session, empty otherwise.
    """

    changes: tuple[FileChange, ...]
    reason: str = ""
    grant_root: str = ""


@dataclass(frozen=True, slots=True)
class PermissionsAsked:
    """May the agent have these permissions? (`item/permissions/requestApproval`).

    Attributes:
        permissions: what it asks for, as Codex gives it: `network`, `fileSystem`.
        cwd: the thread's folder.
        reason: the model's justification, empty where it gave none.
    """

    permissions: JsonObject
    cwd: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Question:
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
    header: str
    question: str
    options: tuple[tuple[str, str], ...] = ()
    other: bool = False
    secret: bool = False

    @classmethod
    def parse(cls, source: JsonObject) -> Question:
        """Read what `asdict` wrote. Raises WireInvalid."""
        options: list[tuple[str, str]] = []
        for option in fields.as_array(source.get("options"), "options"):
            pair = fields.as_array(option, "option")
            options.append((str(pair[0]) if pair else "", str(pair[1]) if len(pair) > 1 else ""))
        return cls(
            question_id=fields.text(source, "question_id"),
            header=fields.text_or(source, "header"),
            question=fields.text_or(source, "question"),
            options=tuple(options),
            other=fields.flag(source, "other"),
            secret=fields.flag(source, "secret"),
        )


@dataclass(frozen=True, slots=True)
class QuestionsAsked:
    """The agent wants answers (`item/tool/requestUserInput`)."""

    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class ElicitationAsked:
    """An MCP server that Codex uses wants something (`mcpServer/elicitation/request`).

    Attributes:
        server: the MCP server's name.
        mode: `form` or `url`; any other is shown and can only be declined.
        message: what it says.
        schema: the form's JSON schema (`form`).
        url: the address to open (`url`).
        meta: the request's `_meta`, such as `codex_approval_kind`.
    """

    server: str
    mode: str
    message: str
    schema: JsonObject = field(default_factory=dict)
    url: str = ""
    meta: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolAsked:
    """May a role of a team call this tool, which is none of Codex's? (`codex-ask`).

    Attributes:
        tool: the tool's name.
        arguments: all that it would be called with.
        server: the MCP server whose tool it is, empty for one of the program's own.
        reason: why it is asked for, empty where nothing was said.
    """

    tool: str
    arguments: JsonObject
    server: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class UnknownAsked:
    """A request of a kind that we do not know. It is shown whole, and can only be declined.

    Attributes:
        method: the request's method.
        params: its parameters.
    """

    method: str
    params: JsonObject


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


@dataclass(frozen=True, slots=True)
class Approval:
    """One open request to a person.

    Attributes:
        approval_id: unique for the server's life, short enough to type (`a7`).
        thread_id: whose it is.
        turn_id: the turn that waits.
        item_id: the item that it decides on, empty where there is none.
        handle: the thread's handle when it asked.
        asked_at: unix seconds.
        asked: what is asked.
    """

    approval_id: str
    thread_id: str
    turn_id: str
    item_id: str
    handle: str
    asked_at: float
    asked: Asked

    def to_wire(self) -> dict[str, object]:
        """The JSON object that `parse` reads."""
        return asdict(self) | {"kind": kind_of(self.asked)}

    @classmethod
    def parse(cls, source: JsonObject) -> Approval:
        """Read what `to_wire` wrote. Raises WireInvalid."""
        return cls(
            approval_id=fields.text(source, "approval_id"),
            thread_id=fields.text(source, "thread_id"),
            turn_id=fields.text_or(source, "turn_id"),
            item_id=fields.text_or(source, "item_id"),
            handle=fields.text_or(source, "handle"),
            asked_at=fields.number_or(source, "asked_at"),
            asked=parse_asked(
                fields.text(source, "kind"), fields.as_object(source.get("asked"), "asked")
            ),
        )


def kind_of(asked: Asked) -> str:
    """The word for a kind of request on the wire, in the journal and in `--json`."""
    match asked:
        case CommandAsked():
            return "command"
        case PatchAsked():
            return "patch"
        case PermissionsAsked():
            return "permissions"
        case QuestionsAsked():
            return "questions"
        case ElicitationAsked():
            return "elicitation"
        case ToolAsked():
            return "tool"
        case UnknownAsked():
            return "unknown"


def parse_asked(kind: str, source: JsonObject) -> Asked:
    """Read what `asdict` wrote of a request of a kind (`kind_of`). Raises WireInvalid."""
    match kind:
        case "command":
            return _parse_command(source)
        case "patch":
            return PatchAsked(
                changes=tuple(FileChange.parse(c) for c in fields.objects(source, "changes")),
                reason=fields.text_or(source, "reason"),
                grant_root=fields.text_or(source, "grant_root"),
            )
        case "permissions":
            return PermissionsAsked(
                permissions=fields.as_object(source.get("permissions", {}), "permissions"),
                cwd=fields.text_or(source, "cwd"),
                reason=fields.text_or(source, "reason"),
            )
        case "questions":
            return QuestionsAsked(
                tuple(Question.parse(question) for question in fields.objects(source, "questions"))
            )
        case "elicitation":
            return _parse_elicitation(source)
        case "tool":
            return ToolAsked(
                tool=fields.text(source, "tool"),
                arguments=fields.as_object(source.get("arguments", {}), "arguments"),
                server=fields.text_or(source, "server"),
                reason=fields.text_or(source, "reason"),
            )
        case "unknown":
            return UnknownAsked(
                method=fields.text(source, "method"),
                params=fields.as_object(source.get("params", {}), "params"),
            )
        case _:
            raise MessageInvalid(f"an approval cannot be of kind {kind!r}")


def _parse_command(source: JsonObject) -> CommandAsked:
    return CommandAsked(
        command=fields.text(source, "command"),
        cwd=fields.text_or(source, "cwd"),
        reason=fields.text_or(source, "reason"),
        parsed=fields.texts(source, "parsed"),
        rule=fields.texts(source, "rule"),
        network=fields.text_or(source, "network"),
        permissions=fields.as_object(source.get("permissions", {}), "permissions"),
        stdin=fields.flag(source, "stdin"),
    )


def _parse_elicitation(source: JsonObject) -> ElicitationAsked:
    return ElicitationAsked(
        server=fields.text_or(source, "server"),
        mode=fields.text_or(source, "mode", "form"),
        message=fields.text_or(source, "message"),
        schema=fields.as_object(source.get("schema", {}), "schema"),
        url=fields.text_or(source, "url"),
        meta=fields.as_object(source.get("meta", {}), "meta"),
    )
