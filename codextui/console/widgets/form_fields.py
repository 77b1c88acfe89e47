"""What a form asks for, field by field, and how an answer is checked. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import ElicitationAsked, QuestionsAsked

MOST_FIELDS = 40
MOST_OPTIONS = 100


class FieldKind(StrEnum):
    """How a field is filled in."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105  # a kind of field, not a password
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    CHOICES = "choices"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Option:
    """One of a field's choices: the value that is sent, and what is shown for it."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class FormField:
    """One field.

    Attributes:
        key: of its answer.
        label: what is asked, not made safe to show yet.
        kind: how it is filled in.
        options: of a choice.
        other: whether a text beside the options is welcome.
        required: whether it must be filled in.
        default: what stands there at first: a text, a boolean, or the chosen values.
        limits: the schema's own words: `minimum`, `maxLength`, `minItems`, ….
    """

    key: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    options: tuple[Option, ...] = ()
    other: bool = False
    required: bool = True
    default: str | bool | tuple[str, ...] = ""
    limits: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer after its check.

    Attributes:
        value: to send; None leaves the field out.
        problem: what is wrong with it, in a sentence; empty where nothing is.
    """

    value: Json = None
    problem: str = ""


def form_fields(asked: QuestionsAsked | ElicitationAsked) -> tuple[FormField, ...]:
    """The fields of a form, in order. A property that we cannot draw is filled in as JSON."""
    if isinstance(asked, QuestionsAsked):
        return tuple(
            FormField(
                key=question.question_id,
                label=question.header or question.question,
                kind=_question_kind(secret=question.secret, options=question.options),
                options=tuple(Option(name, name) for name, _ in question.options),
                other=question.other,
            )
            for question in asked.questions
        )
    properties = _mapping(asked.schema.get("properties"))
    required = _texts(asked.schema.get("required"))
    return tuple(
        _property(key, _mapping(schema), required=key in required)
        for key, schema in properties.items()
    )


def form_problem(asked: QuestionsAsked | ElicitationAsked) -> str:
    """Why a form cannot be filled in here; empty where it can."""
    fields_ = form_fields(asked)
    if len(fields_) > MOST_FIELDS or any(len(f.options) > MOST_OPTIONS for f in fields_):
        return (
            f"The form is too large to fill in here (more than {MOST_FIELDS} fields or "
            f"{MOST_OPTIONS} options), so it can only be declined."
        )
    return ""


def check_text(field_: FormField, text: str) -> Checked:
    """Check what was typed into a field."""
    if not text.strip():
        return Checked(problem="This must be filled in." if field_.required else "")
    match field_.kind:
        case FieldKind.NUMBER | FieldKind.INTEGER:
            return _check_number(field_, text.strip())
        case FieldKind.JSON:
            return _check_json(text)
        case _:
            return _check_length(field_.limits, text)


def check_choice(field_: FormField, values: Sequence[str], other: str = "") -> Checked:
    """Check which options were chosen, or what was typed beside them."""
    chosen = [*values, other] if other.strip() else list(values)
    if field_.kind is FieldKind.CHOICE:
        if not chosen:
            return Checked(problem="Choose one." if field_.required else "")
        return Checked(chosen[-1])
    least, most = field_.limits.get("minItems"), field_.limits.get("maxItems")
    if isinstance(least, int) and len(chosen) < least:
        return Checked(problem=f"Choose at least {least}.")
    if isinstance(most, int) and len(chosen) > most:
        return Checked(problem=f"Choose at most {most}.")
    return Checked(chosen)


def _question_kind(*, secret: bool, options: tuple[tuple[str, str], ...]) -> FieldKind:
    if options:
        return FieldKind.CHOICE
    return FieldKind.SECRET if secret else FieldKind.TEXT


def _property(key: str, schema: JsonObject, *, required: bool) -> FormField:
    """Read a property of an MCP elicitation's `requestedSchema` (`PrimitiveSchemaDefinition`)."""
    kind, options = _kind_and_options(schema)
    title, description = schema.get("title"), schema.get("description")
    parts = [part for part in (title or key, description) if isinstance(part, str) and part]
    return FormField(
        key=key,
        label=" — ".join(parts),
        kind=kind,
        options=options,
        required=required,
        default=_default(schema.get("default"), kind),
        limits=schema,
    )


def _kind_and_options(schema: JsonObject) -> tuple[FieldKind, tuple[Option, ...]]:
    match schema.get("type"):
        case "string" if "enum" in schema or "oneOf" in schema:
            return FieldKind.CHOICE, _options(schema)
        case "string":
            return FieldKind.TEXT, ()
        case "number":
            return FieldKind.NUMBER, ()
        case "integer":
            return FieldKind.INTEGER, ()
        case "boolean":
            return FieldKind.BOOLEAN, ()
        case "array" if options := _options(_mapping(schema.get("items"))):
            return FieldKind.CHOICES, options
        case _:
            return FieldKind.JSON, ()


def _options(schema: JsonObject) -> tuple[Option, ...]:
    for key in ("oneOf", "anyOf"):
        if isinstance(listed := schema.get(key), list):
            titled = [_mapping(option) for option in listed]
            return tuple(
                Option(str(option["const"]), str(option.get("title") or option["const"]))
                for option in titled
                if "const" in option
            )
    values, names = _texts(schema.get("enum")), _texts(schema.get("enumNames"))
    labels = names if len(names) == len(values) else values
    return tuple(Option(value, name) for value, name in zip(values, labels, strict=True))


def _default(value: Json, kind: FieldKind) -> str | bool | tuple[str, ...]:
    match kind:
        case FieldKind.BOOLEAN:
            return value is True
        case FieldKind.CHOICES:
            return _texts(value)
        case FieldKind.JSON:
            return "" if value is None else json.dumps(value, ensure_ascii=False)
        case _:
            return "" if value is None or isinstance(value, list | dict) else str(value)


def _check_number(field_: FormField, text: str) -> Checked:
    word = "a whole number" if field_.kind is FieldKind.INTEGER else "a number"
    try:
        number = int(text) if field_.kind is FieldKind.INTEGER else float(text)
    except ValueError:
        return Checked(problem=f"This must be {word}.")
    if not math.isfinite(number):
        return Checked(problem=f"This must be {word}.")
    low, high = field_.limits.get("minimum"), field_.limits.get("maximum")
    if isinstance(low, int | float) and number < low:
        return Checked(problem=f"This must be {low} or more.")
    if isinstance(high, int | float) and number > high:
        return Checked(problem=f"This must be {high} or less.")
    return Checked(number)


def _check_json(text: str) -> Checked:
    try:
        return Checked(json.loads(text))
    except (ValueError, RecursionError) as error:
        return Checked(problem=f"This must be JSON: {error}")


def _check_length(limits: JsonObject, text: str) -> Checked:
    least, most = limits.get("minLength"), limits.get("maxLength")
    if isinstance(least, int) and len(text) < least:
        return Checked(problem=f"This must have {least} characters or more.")
    if isinstance(most, int) and len(text) > most:
        return Checked(problem=f"This must have {most} characters or fewer.")
    return Checked(text)


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()
