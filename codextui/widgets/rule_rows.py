"""The second step of "always": the rule, before anybody accepts it."""

from __future__ import annotations

import shlex

from rich.text import Text
from textual.strip import Strip

from codextui.render.palette import Palette
from codextui.render.sanitize import one_line, reveal
from codextui.widgets.text_rows import text_rows
from codextui.wire.approval import Approval, CommandAsked, ElicitationAsked


def rule_rows(approval: Approval, width: int, palette: Palette) -> list[Strip]:
    """What "always" would allow from now on, in full."""
    text = Text()
    match approval.asked:
        case CommandAsked(network=str(network), rule=rule) if network:
            text.append("Every command could reach\n\n")
            text.append(f"  {reveal(rule[-1] if rule else network)}\n\n", palette.code)
            text.append("over the network without asking: ")
            text.append("in every thread, for good.\n", palette.caution)
            text.append("Codex writes the rule into its own rules folder.", palette.muted)
        case CommandAsked(rule=rule):
            text.append("Every command that begins with\n\n")
            text.append(f"  {reveal(shlex.join(rule))}\n\n", palette.code)
            text.append("would run without asking: ")
            text.append("in every thread, for good.\n", palette.caution)
            text.append("Codex writes the rule into its own rules folder.", palette.muted)
        case ElicitationAsked(server=server, message=message):
            text.append(f"{reveal(message)}\n\n", palette.code)
            text.append(f"{one_line(server, 80)} would not be asked about this again: ")
            text.append("in every thread, for good.", palette.caution)
        case _:
            text.append("There is no rule.")
    return text_rows(text, width, palette.text)
