"""`codextui decisions`: what was decided, by whom, and when; from the audit log."""

from __future__ import annotations

import argparse
import time

from codextui.commands.call import call_pages, call_tool
from codextui.commands.output import (
    print_indented,
    print_json,
    print_line,
    print_note,
    print_table,
)
from codextui.errors import ApprovalGone
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approval_text import format_request
from codextui.protocol.approvals import Approval
from codextui.text.figures import format_running
from codextui.text.sanitize import one_line, one_revealed_line, sanitize

_HEADER = ("ID", "WHEN", "OUTCOME", "BY", "WHERE", "WAITED", "THREAD", "WHAT")


def list_decisions(options: argparse.Namespace) -> int:
    """Print decisions, the newest first; or one with all that was asked."""
    if options.show:
        return _show_one(options)
    rows = call_pages(
        options,
        "codex-decisions",
        {"filter": " ".join(options.filter)},
        rows="decisions",
        id_name="approval_id",
    )
    if options.json:
        for row in rows:
            print_json(row)
        return 0
    if not rows:
        print_note("nothing like that was decided")
        return 0
    print_table(_HEADER, [_format_row(row) for row in rows])
    return 0


def _show_one(options: argparse.Namespace) -> int:
    found = fields.objects(
        call_tool(options, "codex-decisions", {"approval": options.show}), "decisions"
    )
    if not found:
        raise ApprovalGone(f"{options.show} was not decided; `codextui decisions` shows what was")
    if options.json:
        print_json(found[0])
        return 0
    row = found[0]
    _, when, outcome, by, where, waited, thread, _ = _format_row(row)
    print_line(f"{outcome}  by {by} ({where})  {when}, after {waited}  {thread}")
    if message := sanitize(fields.text_or(row, "message")):
        print_indented(f"message: {message}")
    if rule := fields.text_or(row, "rule"):
        print_indented(f"rule: {one_revealed_line(rule)}")
    approval = Approval.from_json(fields.as_object(row.get("approval"), "approval"))
    print_indented(format_request(approval.asked))
    return 0


def _format_row(row: JsonObject) -> tuple[str, ...]:
    at = fields.number_or(row, "resolved_at")
    lost = ", lost" if fields.flag(row, "lost") else ""
    outcome = one_line(fields.text_or(row, "outcome"), 40)
    carried_out = one_line(fields.text_or(row, "carried_out"), 40)
    return (
        one_line(fields.text(row, "approval_id"), 20),
        time.strftime("%Y-%m-%d %H:%M", time.localtime(at)),
        f"{outcome}{lost}" + (f", carried out: {carried_out}" if carried_out else ""),
        one_line(fields.text_or(row, "by"), 40) or "-",
        one_line(fields.text_or(row, "where"), 20),
        format_running(fields.number_or(row, "waited")),
        one_line(fields.text_or(row, "handle"), 40),
        one_line(fields.text_or(row, "subject"), 200),
    )
