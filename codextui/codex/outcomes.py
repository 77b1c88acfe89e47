"""What an item says about the decision that was carried out on it. Pure.

Where several clients answer one request, Codex takes the first answer and tells nobody whose it
was. The item's end does tell whether it was a yes: a command that ran, a patch that was applied.
"""

from __future__ import annotations

from codextui.codex.requests import COMMAND_APPROVAL, PATCH_APPROVAL
from codextui.jsonrpc.fields import JsonObject

_KINDS = ("commandExecution", "fileChange")
_AFTER_TOOLS = ("agentMessage", "reasoning")
_OUTCOMES = {"completed": True, "failed": True, "declined": False}


def tells_outcome(method: str, params: JsonObject) -> bool:
    """Return whether the item of a request shows which decision was carried out.

    It does not where the item goes on whatever is decided: what a command asks for while it runs
    (the network, a program that it starts, its input). Permissions and questions have no item.
    """
    if not params.get("itemId"):
        return False
    if method == COMMAND_APPROVAL:
        is_part = params.get("approvalId") or params.get("networkApprovalContext")
        return not is_part and params.get("kind") != "writeStdin"
    return method == PATCH_APPROVAL


def was_granted(item: JsonObject) -> bool | None:
    """Return what a completed item says; None where it says nothing."""
    if item.get("type") not in _KINDS:
        return None
    return _OUTCOMES.get(str(item.get("status")))


def follows_tools(item: JsonObject) -> bool:
    """Return whether an item begins only after the calls before it have returned.

    The model speaks again then. A command that still runs has returned, too, and goes on.
    """
    return item.get("type") in _AFTER_TOOLS
