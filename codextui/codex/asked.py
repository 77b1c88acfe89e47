"""Codex's requests for a person, as our kinds of approval. Pure. All raise WireInvalid."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from codextui.wire import approval as ap
from codextui.wire import fields
from codextui.wire.fields import JsonObject

_ACTIONS: Mapping[str, str] = {
    "read": "read",
    "listFiles": "list",
    "list_files": "list",
    "search": "search",
    "unknown": "run",
}


def command(params: JsonObject) -> ap.CommandAsked:
    """Read `item/commandExecution/requestApproval`."""
    return ap.CommandAsked(
        command=fields.text_or(params, "command"),
        cwd=fields.text_or(params, "cwd"),
        reason=fields.text_or(params, "reason"),
        parsed=tuple(_action(part) for part in fields.objects(params, "commandActions")),
        rule=_rule(params),
        network=_network(params),
        permissions=_object_or_empty(params, "additionalPermissions"),
        stdin=fields.text_or(params, "kind") == "writeStdin",
    )


def patch(params: JsonObject) -> ap.PatchAsked:
    """Read `item/fileChange/requestApproval`. It has no changes: they are in the item."""
    return ap.PatchAsked(
        changes=(),
        reason=fields.text_or(params, "reason"),
        grant_root=fields.text_or(params, "grantRoot"),
    )


def permissions(params: JsonObject) -> ap.PermissionsAsked:
    """Read `item/permissions/requestApproval`."""
    return ap.PermissionsAsked(
        permissions=fields.as_object(params.get("permissions"), "permissions"),
        cwd=fields.text_or(params, "cwd"),
        reason=fields.text_or(params, "reason"),
    )


def questions(params: JsonObject) -> ap.QuestionsAsked:
    """Read `item/tool/requestUserInput`."""
    return ap.QuestionsAsked(tuple(_question(q) for q in fields.objects(params, "questions")))


def elicitation(params: JsonObject) -> ap.ElicitationAsked:
    """Read `mcpServer/elicitation/request`, of any mode."""
    message = fields.text_or(params, "message") or " ".join(
        part
        for part in (fields.text_or(params, "title"), fields.text_or(params, "description"))
        if part
    )
    return ap.ElicitationAsked(
        server=fields.text(params, "serverName"),
        mode=fields.text(params, "mode"),
        message=message,
        schema=_object_or_empty(params, "requestedSchema"),
        url=fields.text_or(params, "url"),
        meta=_object_or_empty(params, "_meta"),
    )


def old_command(params: JsonObject) -> ap.CommandAsked:
    """Read `execCommandApproval`, the request of clients before threads."""
    return ap.CommandAsked(
        command=shlex.join(fields.texts(params, "command")),
        cwd=fields.text_or(params, "cwd"),
        reason=fields.text_or(params, "reason"),
        parsed=tuple(_action(part) for part in fields.objects(params, "parsedCmd")),
    )


def old_patch(params: JsonObject) -> ap.PatchAsked:
    """Read `applyPatchApproval`, the request of clients before threads."""
    changes = fields.as_object(params.get("fileChanges"), "fileChanges")
    return ap.PatchAsked(
        changes=tuple(_old_change(path, changes[path]) for path in changes),
        reason=fields.text_or(params, "reason"),
        grant_root=fields.text_or(params, "grantRoot"),
    )


def network_rule(params: JsonObject) -> JsonObject | None:
    """Return the rule that Codex proposes for a host that a command wants to reach, if any."""
    if params.get("networkApprovalContext") is None:
        return None
    for rule in fields.objects(params, "proposedNetworkPolicyAmendments"):
        if rule.get("action") == "allow":
            return rule
    return None


def command_rule(params: JsonObject) -> tuple[str, ...]:
    """Return the command prefix that Codex proposes to allow for good, empty where it does not."""
    return fields.texts(params, "proposedExecpolicyAmendment")


def _rule(params: JsonObject) -> tuple[str, ...]:
    if params.get("networkApprovalContext") is None:
        return command_rule(params)
    rule = network_rule(params)
    return () if rule is None else ("allow", fields.text(rule, "host"))


def _network(params: JsonObject) -> str:
    context = params.get("networkApprovalContext")
    if context is None:
        return ""
    wanted = fields.as_object(context, "networkApprovalContext")
    return f"{fields.text(wanted, 'protocol')}://{fields.text(wanted, 'host')}"


def _action(part: JsonObject) -> str:
    kind = fields.text(part, "type")
    word = _ACTIONS.get(kind, kind)
    command = fields.text_or(part, "command") or fields.text_or(part, "cmd")
    path, query = fields.text_or(part, "path"), fields.text_or(part, "query")
    match word:
        case "search" if query:
            return f"search {query!r} in {path}" if path else f"search {query!r}"
        case "read" | "list" | "search" if path:
            return f"{word} {path}"
        case _:
            return f"{word} {command}"


def _question(source: JsonObject) -> ap.Question:
    options = tuple(
        (fields.text(option, "label"), fields.text_or(option, "description"))
        for option in fields.objects(source, "options")
    )
    return ap.Question(
        question_id=fields.text(source, "id"),
        header=fields.text_or(source, "header"),
        question=fields.text(source, "question"),
        options=options,
        other=fields.flag(source, "isOther"),
        secret=fields.flag(source, "isSecret"),
    )


def _old_change(path: str, value: object) -> ap.FileChange:
    change = fields.as_object(value, path)
    kind = fields.text(change, "type")
    diff = fields.text(change, "unified_diff" if kind == "update" else "content")
    return ap.FileChange(path, kind, diff, fields.text_or(change, "move_path"))


def _object_or_empty(source: JsonObject, key: str) -> JsonObject:
    value = source.get(key)
    return {} if value is None else fields.as_object(value, key)
