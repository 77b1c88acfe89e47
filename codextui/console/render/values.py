"""JSON that we have no form for, as keys and values."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rich.segment import Segment

from codextui.console.render.layout import Row, indent, wrap
from codextui.console.render.palette import Palette
from codextui.jsonrpc.fields import Json
from codextui.text.sanitize import reveal


def value_rows(values: Mapping[str, Json], width: int, palette: Palette) -> list[Row]:
    """Each key with its value, nested ones as JSON below it. Nothing is cut."""
    rows: list[Row] = []
    for key, value in values.items():
        name = Segment(f"{reveal(str(key))}: ", palette.muted)
        if isinstance(value, dict | list) and value:
            rows.extend(wrap([name], width, exact=True))
            rows.extend(indent(json_rows(value, width - 2, palette), Segment("  ", palette.text)))
        else:
            text = value if isinstance(value, str) else to_json(value)
            rows.extend(wrap([name, Segment(reveal(text), palette.text)], width, exact=True))
    return rows


def json_rows(value: Json, width: int, palette: Palette) -> list[Row]:
    """A value as indented JSON, wrapped."""
    text = reveal(to_json(value, spread=True))
    return wrap([Segment(text, palette.text)], width, exact=True)


def to_json(value: Json, *, spread: bool = False) -> str:
    """A value as JSON, on one line or spread over several; never raises."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=2 if spread else None, default=str)
    except (RecursionError, ValueError):
        return repr(value) if not spread else to_json(value)
