"""The fields of a form, read from a request, and the checks of their answers. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import ElicitationAsked, QuestionsAsked

MAX_FIELDS = 40
"""Fields of a form that can be filled in."""

MAX_OPTIONS = 100
"""Options of a field that can be filled in."""


class FieldKind(StrEnum):
    """The kind of a field's control."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105  # a kind of field, not a password
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    CHOICES = "choices"
    JSON = "json"


class FieldOption(msgspec.Struct, frozen=True):
    """An option of a field: the value to send, and its label on the screen."""

    value: str
    label: str


class FormField(msgspec.Struct, frozen=True):
    """A field of a form.

    Attributes:
        key: the key of its answer.
        label: what is asked, not sanitized.
        kind: the kind of control.
        options: the options of `CHOICE` and `CHOICES`.
        allows_other: whether a text may be given instead of an option.
        required: whether it must be filled in.
        default: the initial answer: a text, a boolean, or the values of the selected options.
        limits: the field's JSON schema: `minimum`, `maxLength`, `minItems`, ….
    """

    key: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    options: tuple[FieldOption, ...] = ()
    allows_other: bool = False
    required: bool = True
    default: str | bool | tuple[str, ...] = ""
    limits: JsonObject = msgspec.field(default_factory=dict)


class CheckedAnswer(msgspec.Struct, frozen=True):
    """The result of checking an answer.

    Attributes:
        value: what to send; None leaves the field out.
        problem: what is wrong with the answer, in a sentence; empty if it is valid.
    """

    value: Json = None
    problem: str = ""


def form_fields(asked: QuestionsAsked | ElicitationAsked) -> tuple[FormField, ...]:
    """Read the fields of a form in order. A property of an unknown type is filled in as JSON."""
    if isinstance(asked, QuestionsAsked):
        return tuple(
            FormField(
                key=question.question_id,
                label=question.header or question.question,
                kind=_question_kind(secret=question.secret, options=question.options),
                options=tuple(FieldOption(name, name) for name, _ in question.options),
                allows_other=question.other,
            )
            for question in asked.questions
        )
    properties = _as_mapping(asked.schema.get("properties"))
    required = _as_texts(asked.schema.get("required"))
    return tuple(
        _read_property(key, _as_mapping(schema), required=key in required)
        for key, schema in properties.items()
    )


def form_problem(asked: QuestionsAsked | ElicitationAsked) -> str:
    """Return why a form cannot be filled in here; empty if it can."""
    fields = form_fields(asked)
    if len(fields) > MAX_FIELDS or any(len(f.options) > MAX_OPTIONS for f in fields):
        return (
            f"The form is too large to fill in here (more than {MAX_FIELDS} fields or "
            f"{MAX_OPTIONS} options), so it can only be declined."
        )
    return ""


def check_text(form_field: FormField, text: str) -> CheckedAnswer:
    """Check the text of a field."""
    if not text.strip():
        return CheckedAnswer(problem="This must be filled in." if form_field.required else "")
    match form_field.kind:
        case FieldKind.NUMBER | FieldKind.INTEGER:
            return _check_number(form_field, text.strip())
        case FieldKind.JSON:
            return _check_json(form_field.limits, text)
        case _:
            return _check_length(form_field.limits, text)


def check_choice(form_field: FormField, values: Sequence[str], other: str = "") -> CheckedAnswer:
    """Check the selected options of a field, and the text given instead of them."""
    chosen = [*values, other] if other.strip() else list(values)
    if form_field.kind is FieldKind.CHOICE:
        if not chosen:
            return CheckedAnswer(problem="Choose one." if form_field.required else "")
        return CheckedAnswer(chosen[-1])
    least, most = form_field.limits.get("minItems"), form_field.limits.get("maxItems")
    if isinstance(least, int) and len(chosen) < least:
        return CheckedAnswer(problem=f"Choose at least {least}.")
    if isinstance(most, int) and len(chosen) > most:
        return CheckedAnswer(problem=f"Choose at most {most}.")
    return CheckedAnswer(chosen)


def _question_kind(*, secret: bool, options: tuple[tuple[str, str], ...]) -> FieldKind:
    if options:
        return FieldKind.CHOICE
    return FieldKind.SECRET if secret else FieldKind.TEXT


def _read_property(key: str, schema: JsonObject, *, required: bool) -> FormField:
    """Read a property of an MCP elicitation's `requestedSchema` (`PrimitiveSchemaDefinition`)."""
    kind, options = _read_kind(schema)
    title, description = schema.get("title"), schema.get("description")
    parts = [part for part in (title or key, description) if isinstance(part, str) and part]
    return FormField(
        key=key,
        label=" — ".join(parts),
        kind=kind,
        options=options,
        required=required,
        default=_read_default(schema.get("default"), kind),
        limits=schema,
    )


def _read_kind(schema: JsonObject) -> tuple[FieldKind, tuple[FieldOption, ...]]:
    match schema.get("type"):
        case "string" if "enum" in schema or "oneOf" in schema:
            return FieldKind.CHOICE, _read_options(schema)
        case "string":
            return FieldKind.TEXT, ()
        case "number":
            return FieldKind.NUMBER, ()
        case "integer":
            return FieldKind.INTEGER, ()
        case "boolean":
            return FieldKind.BOOLEAN, ()
        case "array" if options := _read_options(_as_mapping(schema.get("items"))):
            return FieldKind.CHOICES, options
        case _:
            return FieldKind.JSON, ()


def _read_options(schema: JsonObject) -> tuple[FieldOption, ...]:
    for key in ("oneOf", "anyOf"):
        if isinstance(listed := schema.get(key), list):
            titled = [_as_mapping(option) for option in listed]
            return tuple(
                FieldOption(str(option["const"]), str(option.get("title") or option["const"]))
                for option in titled
                if "const" in option
            )
    values, names = _as_texts(schema.get("enum")), _as_texts(schema.get("enumNames"))
    labels = names if len(names) == len(values) else values
    return tuple(FieldOption(value, name) for value, name in zip(values, labels, strict=True))


def _read_default(value: Json, kind: FieldKind) -> str | bool | tuple[str, ...]:
    match kind:
        case FieldKind.BOOLEAN:
            return value is True
        case FieldKind.CHOICES:
            return _as_texts(value)
        case FieldKind.JSON:
            return "" if value is None else json.dumps(value, ensure_ascii=False)
        case _:
            return "" if value is None or isinstance(value, list | dict) else str(value)


def _check_number(form_field: FormField, text: str) -> CheckedAnswer:
    word = "a whole number" if form_field.kind is FieldKind.INTEGER else "a number"
    try:
        number = int(text) if form_field.kind is FieldKind.INTEGER else float(text)
    except ValueError:
        return CheckedAnswer(problem=f"This must be {word}.")
    if not math.isfinite(number):
        return CheckedAnswer(problem=f"This must be {word}.")
    low, high = form_field.limits.get("minimum"), form_field.limits.get("maximum")
    if isinstance(low, int | float) and number < low:
        return CheckedAnswer(problem=f"This must be {low} or more.")
    if isinstance(high, int | float) and number > high:
        return CheckedAnswer(problem=f"This must be {high} or less.")
    return CheckedAnswer(number)


def _check_json(limits: JsonObject, text: str) -> CheckedAnswer:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return CheckedAnswer(problem=f"This must be JSON: {error}")
    match limits.get("type"):
        case "object" if not isinstance(value, dict):
            return CheckedAnswer(problem='This must be a JSON object, such as {"key": "value"}.')
        case "array" if not isinstance(value, list):
            return CheckedAnswer(problem='This must be a JSON array, such as ["a", "b"].')
        case _:
            return CheckedAnswer(value)


def _check_length(limits: JsonObject, text: str) -> CheckedAnswer:
    least, most = limits.get("minLength"), limits.get("maxLength")
    if isinstance(least, int) and len(text) < least:
        return CheckedAnswer(problem=f"This must have {least} characters or more.")
    if isinstance(most, int) and len(text) > most:
        return CheckedAnswer(problem=f"This must have {most} characters or fewer.")
    return CheckedAnswer(text)


def _as_mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _as_texts(value: Json) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()
