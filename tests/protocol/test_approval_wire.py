from __future__ import annotations

import json

import pytest
from hypothesis import given
from protocol import shapes

from codextui.errors import MessageInvalid
from codextui.protocol.approvals import Approval, kind_of


@given(shapes.approval)
def test_every_approval_comes_out_as_it_went_in(approval: Approval) -> None:
    assert Approval.parse(json.loads(json.dumps(approval.to_wire()))) == approval


@given(shapes.approval)
def test_the_kind_says_how_to_read_what_is_asked(approval: Approval) -> None:
    assert approval.to_wire()["kind"] == kind_of(approval.asked)


@pytest.mark.parametrize(
    ("wire", "complaint"),
    [
        ({}, "approval_id must be a string"),
        (
            {"approval_id": "a1", "thread_id": "t", "kind": "bribe", "asked": {}},
            "cannot be of kind 'bribe'",
        ),
        ({"approval_id": "a1", "thread_id": "t", "kind": "command", "asked": {}}, "command must"),
        ({"approval_id": "a1", "thread_id": "t", "kind": "command"}, "asked must be an object"),
        (
            {
                "approval_id": "a1",
                "thread_id": "t",
                "kind": "command",
                "asked": {"command": ["ls"]},
            },
            "command must be a string, not an array",
        ),
    ],
)
def test_an_approval_that_cannot_be_read_says_why(wire: dict[str, object], complaint: str) -> None:
    with pytest.raises(MessageInvalid, match=complaint):
        Approval.parse(wire)


@given(shapes.json_object)
def test_whatever_arrives_is_an_approval_or_a_clear_error(wire: dict[str, object]) -> None:
    with pytest.raises(MessageInvalid):
        Approval.parse(wire)


def test_a_long_command_is_never_shortened() -> None:
    command = "echo " + "x" * 100_000
    asked = shapes.CommandAsked(command)
    approval = Approval("a1", "t", "u", "i", "h", 1.0, asked)
    assert Approval.parse(approval.to_wire()).asked == asked
