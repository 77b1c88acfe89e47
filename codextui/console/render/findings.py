"""Renders what was found on this machine."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from codextui.console.model.findings import Finding, Verdict
from codextui.console.render.palette import Palette
from codextui.text.sanitize import one_line

TITLE_WIDTH = 12
"""Cells of the column of titles."""

DEFAULT_WIDTH = 74
"""Cells of a line, where there is room for them."""

MAX_TEXT = 200
"""Characters of a finding."""


def render_findings(
    findings: Sequence[Finding], palette: Palette, width: int = DEFAULT_WIDTH
) -> Text:
    """Render findings in lines of at most `width` cells, each with its advice below it."""
    width = max(width, 2 * TITLE_WIDTH)
    text = Text()
    for finding in findings:
        text.append(f"{finding.verdict} ", _style_of(finding.verdict, palette))
        text.append(f"{finding.title:<{TITLE_WIDTH}}", palette.strong)
        lines = [one_line(finding.text, MAX_TEXT), one_line(finding.advice, MAX_TEXT)]
        rows = [row for line in lines for row in textwrap.wrap(line, width - TITLE_WIDTH - 2)]
        text.append(f"\n{'':{TITLE_WIDTH + 2}}".join(rows) + "\n", palette.text)
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
