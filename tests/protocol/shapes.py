"""Hypothesis strategies for everything that travels between the processes."""

from __future__ import annotations

from hypothesis import strategies as st

from codextui.protocol import events as ev
from codextui.protocol.approvals import (
    Approval,
    Asked,
    CommandAsked,
    ElicitationAsked,
    FileChange,
    PatchAsked,
    PermissionsAsked,
    Question,
    QuestionsAsked,
    ToolAsked,
    UnknownAsked,
)
from codextui.protocol.decisions import Aborted, Answered, Approved, Decision, Declined, Scope
from codextui.protocol.runs import Gate, RoleAction, Span, SpanKind, ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage

text = st.text(max_size=20)
word = st.text(min_size=1, max_size=10)
count = st.integers(0, 2**53)
moment = st.floats(0, 2e9, allow_nan=False)
json_value = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
json_object = st.dictionaries(text, json_value, max_size=4)
texts = st.lists(text, max_size=3).map(tuple)

usage = st.builds(Usage, count, count, count, count, count)
thread = st.builds(
    ThreadInfo,
    thread_id=word,
    handle=word,
    state=st.sampled_from(ThreadState),
    client=text,
    cwd=text,
    branch=text,
    model=text,
    sandbox=text,
    approval_policy=text,
    brief=text,
    created_at=moment,
    turn_id=text,
    turn_started_at=st.none() | moment,
    waits_for=text,
    forked_from=text,
    kind=st.sampled_from(ThreadKind),
    parent=text,
    usage=usage,
    context_window=st.none() | count,
    note=text,
)
change = st.builds(FileChange, text, text, text, text)
changes = st.lists(change, max_size=3).map(tuple)
question = st.builds(
    Question,
    question_id=word,
    header=text,
    question=text,
    options=st.lists(st.tuples(text, text), max_size=3).map(tuple),
    other=st.booleans(),
    secret=st.booleans(),
)
asked: st.SearchStrategy[Asked] = st.one_of(
    st.builds(CommandAsked, text, text, text, texts, texts, text, json_object, stdin=st.booleans()),
    st.builds(PatchAsked, changes, text, text),
    st.builds(PermissionsAsked, json_object, text, text),
    st.builds(QuestionsAsked, st.lists(question, max_size=3).map(tuple)),
    st.builds(ElicitationAsked, text, text, text, json_object, text, json_object),
    st.builds(ToolAsked, text, json_object, text, text),
    st.builds(UnknownAsked, text, json_object),
)
approval = st.builds(Approval, word, word, text, text, text, moment, asked)
decision: st.SearchStrategy[Decision] = st.one_of(
    st.builds(Approved, st.sampled_from(Scope)),
    st.builds(Declined, text),
    st.builds(Aborted),
    st.builds(Answered, json_object),
)
item = st.builds(
    lambda rest, item_id, kind: rest | {"id": item_id, "type": kind}, json_object, word, word
)
step = st.builds(ev.PlanStep, text, text)
unknown_kind = text.map(lambda kind: f"made_up_{kind}")
gate = st.builds(Gate, text, texts, texts, st.booleans(), text, moment)
span = st.builds(
    Span,
    span_id=word,
    role=text,
    kind=st.sampled_from(SpanKind),
    name=text,
    started_at=moment,
    ended_at=st.none() | moment,
    waits_for=texts,
    tokens=count,
    failed=st.booleans(),
)
msg: st.SearchStrategy[ev.Msg] = st.one_of(
    st.builds(ev.ThreadChanged, thread),
    st.builds(ev.TurnStarted),
    st.builds(ev.ItemStarted, item),
    st.builds(ev.ItemCompleted, item),
    st.builds(ev.TextDelta, text, text),
    st.builds(ev.ReasoningDelta, text, text, count, st.booleans()),
    st.builds(ev.PlanDelta, text, text),
    st.builds(ev.OutputDelta, text, text),
    st.builds(ev.PatchUpdated, text, changes),
    st.builds(ev.TokensCounted, usage, usage, st.none() | count),
    st.builds(ev.DiffUpdated, text),
    st.builds(ev.PlanUpdated, text, st.lists(step, max_size=3).map(tuple)),
    st.builds(ev.TurnCompleted, text),
    st.builds(ev.TurnAborted, text, text),
    st.builds(ev.ErrorRaised, text, st.booleans()),
    st.builds(ev.Warned, text),
    st.builds(ev.ApprovalAsked, approval),
    st.builds(ev.ApprovalResolved, text, text, text, text, moment),
    st.builds(ev.ApprovalCorrected, text, text),
    st.builds(ev.CodexLost, text),
    st.builds(ev.CodexReady, text),
    st.builds(ev.HandedOff, text, text),
    st.builds(ev.HandoffRefused, text, text, texts),
    st.builds(ev.RunNoted, text, text, text),
    st.builds(ev.GatesChecked, st.lists(gate, max_size=3).map(tuple)),
    st.builds(ev.SpanChanged, span),
    st.builds(ev.RoleRequested, st.sampled_from(RoleAction), text, text),
    st.builds(ev.UnknownEvent, unknown_kind, json_object),
)
event = st.builds(ev.Event, count, text, text, moment, msg)
