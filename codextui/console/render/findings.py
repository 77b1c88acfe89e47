"""Renders what was found on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from codextui.console.model.findings import Finding, Verdict
from codextui.console.render.palette import Palette
from codextui.text.sanitize import one_line

TITLE_WIDTH = 12
"""Cells of the column of titles."""

MAX_TEXT = 200
"""Characters of a finding."""


def render_findings(findings: Sequence[Finding], palette: Palette) -> Text:
    """Render findings, each in a line, with the advice below it."""
    text = Text()
    for finding in findings:
        text.append(f"{finding.verdict} ", _style_of(finding.verdict, palette))
        text.append(f"{finding.title:<{TITLE_WIDTH}}", palette.strong)
        text.append(f"{one_line(finding.text, MAX_TEXT)}\n", palette.text)
        if finding.advice:
            text.append(f"{'':{TITLE_WIDTH + 2}}{one_line(finding.advice, MAX_TEXT)}\n")
    text.rstrip()
    return text


def _style_of(verdict: Verdict, palette: Palette) -> Style:
    match verdict:
        case Verdict.GOOD:
            return palette.success
        case Verdict.BAD:
            return palette.error
        case Verdict.NOTE:
            return palette.muted
