from __future__ import annotations

import json

import pytest
from hypothesis import given
from protocol import shapes

from codextui.errors import MessageInvalid
from codextui.protocol.approvals import Approval, kind_of


@given(shapes.approval)
def test_every_approval_comes_out_as_it_went_in(approval: Approval) -> None:
    assert Approval.from_json(json.loads(json.dumps(approval.to_json()))) == approval


@given(shapes.approval)
def test_the_kind_says_how_to_read_what_is_asked(approval: Approval) -> None:
    assert approval.to_json()["kind"] == kind_of(approval.asked)


@pytest.mark.parametrize(
    ("wire", "complaint"),
    [
        ({"kind": "command", "asked": {"command": "ls"}}, "missing required field `approval_id`"),
        (
            {"approval_id": "a1", "thread_id": "t", "kind": "bribe", "asked": {}},
            r"Invalid value 'bribe' - at `\$\.asked\.kind`",
        ),
        (
            {"approval_id": "a1", "thread_id": "t", "kind": "command", "asked": {}},
            "field `command`",
        ),
        ({"approval_id": "a1", "thread_id": "t", "kind": "command"}, "asked must be an object"),
        (
            {
                "approval_id": "a1",
                "thread_id": "t",
                "kind": "command",
                "asked": {"command": ["ls"]},
            },
            r"Expected `str`, got `array` - at `\$\.asked\.command`",
        ),
    ],
)
def test_an_approval_that_cannot_be_read_says_why(wire: dict[str, object], complaint: str) -> None:
    with pytest.raises(MessageInvalid, match=complaint):
        Approval.from_json(wire)


@given(shapes.json_object)
def test_whatever_arrives_is_an_approval_or_a_clear_error(wire: dict[str, object]) -> None:
    with pytest.raises(MessageInvalid):
        Approval.from_json(wire)


def test_a_long_command_is_never_shortened() -> None:
    command = "echo " + "x" * 100_000
    asked = shapes.CommandAsked(command)
    approval = Approval("a1", "t", "u", "i", "h", 1.0, asked)
    assert Approval.from_json(approval.to_json()).asked == asked
