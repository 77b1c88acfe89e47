"""What a demo prints."""

from __future__ import annotations

import io
import json

from codextui.demo.report import EventFormatter, Line, Report, escape_unprintable, format_approval
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked, FileChange, PatchAsked
from codextui.protocol.threads import ThreadInfo, ThreadState


def event(msg: ev.Msg, thread: str = "t1") -> ev.Event:
    return ev.Event(1, thread, "u1", 0.0, msg)


def completed(item: JsonObject) -> Line:
    formatter = EventFormatter()
    formatter.format(event(ev.ThreadChanged(ThreadInfo("t1", "tester", ThreadState.IDLE))))
    line = formatter.format(event(ev.ItemCompleted(item)))
    assert line is not None
    return line


def test_a_json_line_is_one_line_whatever_it_contains():
    out = io.StringIO()
    Report(out, json_lines=True).print(Line("said", "a\nb\x1b[2J\u2028c", "builder", {"n": 1}))
    assert out.getvalue().count("\n") == 1
    assert json.loads(out.getvalue()) == {
        "kind": "said",
        "thread": "builder",
        "text": "a\nb\x1b[2J\u2028c",
        "n": 1,
    }


def test_printed_text_cannot_control_the_terminal():
    out = io.StringIO()
    Report(out, json_lines=False).print(Line("said", "says:\n\x1b[2J\x9b31m\u202eok\r", "x\x07"))
    assert not set(out.getvalue()) & set("\x1b\x9b\u202e\r\x07")
    assert "\\x1b[2J" in out.getvalue()


def test_escaping_leaves_ordinary_text_alone():
    assert escape_unprintable("Grüße, 世界 ✓") == "Grüße, 世界 ✓"


def test_a_long_output_is_shortened_in_text_and_complete_in_json():
    output = "".join(f"line {n}\n" for n in range(100))
    item = {"type": "commandExecution", "id": "c", "aggregatedOutput": output, "exitCode": 1}
    line = completed(item)
    assert line.thread == "tester"
    assert "line 50" not in line.text
    assert "88 more lines" in line.text
    assert "line 99" in line.text
    assert line.data["output"] == output


def test_an_item_of_an_unexpected_shape_is_no_error():
    formatter = EventFormatter()
    for item in ({"type": "new"}, {"type": "agentMessage", "text": 3}, {"type": "userMessage"}):
        assert formatter.format(event(ev.ItemCompleted({"id": "i", **item}))) is None


def test_an_approval_is_printed_completely():
    command = "echo " + "x" * 10_000
    asked = CommandAsked(command, cwd="/w", reason="because")
    text = format_approval(Approval("a1", "t1", "u", "i", "builder", 0.0, asked)).text
    assert command in text
    assert "because" in text
    change = FileChange("a.py", "update", "-old\n+new\n")
    patch = format_approval(Approval("a2", "t1", "u", "i", "w", 0.0, PatchAsked((change,))))
    assert "-old" in patch.text
    assert "+new" in patch.text
