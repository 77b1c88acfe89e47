"""`output-schema`: what the answer of a turn has to look like."""

from __future__ import annotations

import json

import jsonschema  # type: ignore[import-untyped] # its stubs are apart
from referencing import Registry
from referencing.exceptions import Unresolvable

from codextui.errors import ServerRefused
from codextui.wire import fields
from codextui.wire.fields import Json, JsonObject

MAX_SCHEMA = 256 * 1024
"""Characters of a schema that are taken."""

MAX_MESSAGE = 300


class OutputSchema:
    """A JSON schema, which Codex gives to its model and by which the answer is checked.

    Attributes:
        schema: the schema as the client gave it.
    """

    def __init__(self, schema: JsonObject) -> None:
        """Take a schema. Raises ServerRefused where it is none."""
        self.schema = schema
        if len(json.dumps(schema)) > MAX_SCHEMA:
            raise ServerRefused(f"output-schema: it has more than {MAX_SCHEMA:,} characters")
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            raise ServerRefused(f"output-schema: {_place(error)}") from error
        # An empty registry: nothing is fetched from where a `$ref` points to.
        registry: Registry[Json] = Registry()
        self._validator = jsonschema.Draft202012Validator(schema, registry=registry)

    @classmethod
    def of(cls, arguments: JsonObject) -> OutputSchema | None:
        """The schema in a call's arguments, None where there is none. Raises ServerRefused."""
        if "output-schema" not in arguments:
            return None
        return cls(fields.as_object(arguments["output-schema"], "output-schema"))

    def read(self, content: str) -> Json:
        """What the answer says. Raises ServerRefused where it is no JSON, or does not fit."""
        try:
            output: Json = json.loads(content)
            error = next(self._validator.iter_errors(output), None)
        except (ValueError, RecursionError) as failure:
            raise ServerRefused(f"The answer is not JSON: {failure}"[:MAX_MESSAGE]) from failure
        except Unresolvable as failure:
            raise ServerRefused(f"output-schema: {failure}"[:MAX_MESSAGE]) from failure
        if error is not None:
            raise ServerRefused(f"The answer does not fit output-schema: {_place(error)}")
        return output


def _place(error: jsonschema.ValidationError | jsonschema.SchemaError) -> str:
    place = ".".join(str(part) for part in error.absolute_path)
    message = str(error.message)[:MAX_MESSAGE]
    return f"{place}: {message}" if place else message
