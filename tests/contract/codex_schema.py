"""The JSON schema that a Codex generates of its app-server's protocol, and samples of it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema

from codextui.demo import codex_environment

Json = dict[str, Any]
DEEPEST = 10
MOST_SAMPLES = 400
MOST_NESTED = 60
NEWER_CAPABILITIES = {"requiredHumanApproval"}
"""Capabilities that we declare, and that not every supported version knows."""

_COMBINED = ("oneOf", "anyOf")


@dataclass(eq=False)
class CodexSchema:
    """The schema of one version, with the names of v2 of the protocol beside those of v1."""

    definitions: Mapping[str, Any] = field(repr=False)
    _made: dict[tuple[str, int], list[Any]] = field(default_factory=dict, repr=False)

    @classmethod
    def generate(cls, binary: Path) -> CodexSchema:
        return _generate(binary)

    def methods(self, kind: str) -> dict[str, Json]:
        """The schema of the parameters by method: `ClientRequest`, `ServerNotification` …"""
        variants = self.definitions[kind]["oneOf"]
        return {
            variant["properties"]["method"]["enum"][0]: variant["properties"].get("params", {})
            for variant in variants
        }

    def kinds(self, name: str) -> dict[str, Json]:
        """The variants of a definition by their `type`."""
        variants = self.definitions[name]["oneOf"]
        return {variant["properties"]["type"]["enum"][0]: variant for variant in variants}

    def resolve(self, schema: Json) -> Json:
        while "$ref" in schema:
            schema = self.definitions[schema["$ref"].rpartition("/")[2]]
        return schema

    def samples(self, schema: Json) -> list[Any]:
        """Values that fit, in which every alternative at every place appears at least once."""
        return list(islice(self._samples(schema, DEEPEST), MOST_SAMPLES))

    def problems(self, schema: Json, value: object) -> list[str]:
        """What is wrong with a value; members that the schema does not name are wrong, too."""
        validator = jsonschema.Draft7Validator({**schema, "definitions": self._strict})
        errors = sorted(validator.iter_errors(value), key=lambda error: list(error.path))
        return [f"{error.json_path}: {error.message[:300]}" for error in errors]

    def call_problems(self, method: str, params: object) -> list[str]:
        """What is wrong with the parameters of a call."""
        methods = self.methods("ClientRequest")
        if method not in methods:
            return ["there is no such method"]
        return self.problems(methods[method], self._without_newer(method, params))

    def _without_newer(self, method: str, params: Any) -> Any:
        """The parameters without the members that only a newer Codex knows: it ignores them."""
        if method != "initialize":
            return params
        newer = NEWER_CAPABILITIES - self.definitions["InitializeCapabilities"]["properties"].keys()
        capabilities = params["capabilities"].items()
        return {**params, "capabilities": {key: on for key, on in capabilities if key not in newer}}

    @cached_property
    def _strict(self) -> Json:
        strict: Json = {name: _closed(one) for name, one in self.definitions.items()}
        return {**strict, "v2": strict}

    def _samples(self, schema: Json | bool, depth: int) -> Iterator[Any]:
        if isinstance(schema, dict) and "$ref" in schema:
            yield from self._referred(schema["$ref"], depth)
            return
        if isinstance(schema, bool):
            yield {"any": "thing"}
            return
        if "allOf" in schema and len(schema["allOf"]) == 1 and "properties" not in schema:
            yield from self._samples(schema["allOf"][0], depth)
        elif "enum" in schema:
            yield from schema["enum"]
        elif "const" in schema:
            yield schema["const"]
        elif combined := [key for key in _COMBINED if key in schema]:
            yield from self._alternatives(schema, combined[0], depth)
        else:
            yield from self._plain(schema, depth)

    def _referred(self, reference: str, depth: int) -> list[Any]:
        """The samples of a definition, which are made once for each depth."""
        key = (reference, depth)
        if key not in self._made:
            self._made[key] = list(
                islice(self._samples(self.resolve({"$ref": reference}), depth), MOST_NESTED)
            )
        return self._made[key]

    def _alternatives(self, schema: Json, key: str, depth: int) -> Iterator[Any]:
        own = {name: value for name, value in schema.items() if name not in _COMBINED}
        rounds = [self._samples(_merged(own, self.resolve(one)), depth) for one in schema[key]]
        yield from _in_turns(rounds)

    def _plain(self, schema: Json, depth: int) -> Iterator[Any]:
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            match kind:
                case "object":
                    yield from self._objects(schema, depth)
                case "array":
                    items = schema.get("items", True)
                    values = (
                        []
                        if depth <= 0
                        else list(islice(self._samples(items, depth - 1), MOST_NESTED))
                    )
                    yield values[:1]
                    yield []
                    yield from ([value] for value in values[1:])
                case "integer" | "number":
                    yield int(schema.get("minimum", 0)) + 1
                case "boolean":
                    yield from (True, False)
                case "null":
                    yield None
                case _:
                    yield "text"

    def _objects(self, schema: Json, depth: int) -> Iterator[Json]:
        properties = schema.get("properties", {})
        required = set(schema.get("required", ()))
        values = {
            name: list(islice(self._samples(one, depth - 1), MOST_NESTED)) if depth > 0 else []
            for name, one in properties.items()
        }
        values = {name: ones for name, ones in values.items() if ones}
        whole = {name: ones[0] for name, ones in values.items()}
        yield whole
        yield {name: value for name, value in whole.items() if name in required}
        yield from _in_turns([_varied(whole, name, ones[1:]) for name, ones in values.items()])
        if isinstance(more := schema.get("additionalProperties"), dict) and depth > 0:
            yield from ({**whole, "key": value} for value in self._samples(more, depth - 1))


@cache
def _generate(binary: Path) -> CodexSchema:
    with tempfile.TemporaryDirectory() as folder:
        command = [str(binary), "app-server", "generate-json-schema", "--experimental"]
        subprocess.run(
            [*command, "--out", folder],
            env=codex_environment(Path(folder)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=True,
        )
        text = (Path(folder) / "codex_app_server_protocol.schemas.json").read_text()
    definitions = json.loads(text)["definitions"]
    return CodexSchema({**definitions, **definitions.pop("v2", {})})


def _merged(first: Json, second: Json) -> Json:
    """An alternative together with what holds for all of them."""
    if "properties" not in first:
        return second
    return {
        **first,
        **second,
        "properties": {**first["properties"], **second.get("properties", {})},
        "required": [*first.get("required", ()), *second.get("required", ())],
    }


def _closed(schema: Any) -> Any:
    """The schema with nothing allowed in an object but what it names, where it names anything."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    own = {name: value for name, value in schema.items() if name not in _COMBINED}
    if "properties" in own and len(own) < len(schema):
        # An alternative is closed together with what holds for all of them.
        schema = {
            name: [_merged(own, one) for one in value] if name in _COMBINED else value
            for name, value in schema.items()
        }
    closed = {key: value if key == "enum" else _closed(value) for key, value in schema.items()}
    combined = any(key in schema for key in ("allOf", *_COMBINED))
    if isinstance(schema.get("properties"), dict) and "type" in schema and not combined:
        closed.setdefault("additionalProperties", False)
    return closed


def _varied(whole: Json, name: str, values: Sequence[Any]) -> Iterator[Json]:
    return ({**whole, name: value} for value in values)


def _in_turns(rounds: Sequence[Iterator[Any]]) -> Iterator[Any]:
    """One of each, then the second of each, and so on."""
    while rounds:
        left = []
        for values in rounds:
            try:
                yield next(values)
            except StopIteration:
                continue
            left.append(values)
        rounds = left
