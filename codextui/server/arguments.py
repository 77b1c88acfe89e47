"""The arguments of a tool call, checked before anything is done with them."""

from __future__ import annotations

from functools import cache

import jsonschema  # type: ignore[import-untyped] # it comes with mcp, its stubs do not

from codextui.errors import ServerRefused
from codextui.wire import fields
from codextui.wire.fields import JsonObject
from codextui.wire.tools import ACCEPTED_BY_CODEX, SUPERVISOR_TOOLS, TOOLS

MAX_MESSAGE = 300


def check_arguments(tool: str, arguments: JsonObject) -> None:
    """Check the arguments of `tool` by its schema.

    Raises ServerRefused, which names the argument and what is wrong with it.
    """
    error = next(iter(_validator(tool).iter_errors(arguments)), None)
    if error is None:
        return
    place = ".".join(str(part) for part in error.absolute_path)
    message = error.message[:MAX_MESSAGE]
    raise ServerRefused(f"{tool}: {place}: {message}" if place else f"{tool}: {message}")


@cache
def _validator(tool: str) -> jsonschema.Draft202012Validator:
    schemas = {
        fields.text(shown, "name"): fields.as_object(shown["inputSchema"], "inputSchema")
        for shown in (*TOOLS, *SUPERVISOR_TOOLS)
    }
    schema = ACCEPTED_BY_CODEX if tool == "codex" else schemas[tool]
    return jsonschema.Draft202012Validator(schema)
