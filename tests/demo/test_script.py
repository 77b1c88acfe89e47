"""Which answer a script gives to a request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codextui.demo import ModelRequest, Run, Say, Script, Step
from codextui.demo.request import parse_request


def user(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def answer(text: str = "…") -> dict[str, Any]:
    content = [{"type": "output_text", "text": text}]
    return {"type": "message", "role": "assistant", "content": content}


def request(*items: dict[str, Any], thread: str = "t", role: str = "") -> ModelRequest:
    developer = {"type": "message", "role": "developer", "content": role}
    body = {"instructions": "You are Codex, a tester of words.", "input": [developer, *items]}
    return parse_request({"thread-id": thread}, json.dumps(body).encode())


def said(script: Script, asked: ModelRequest) -> str:
    steps = script(asked)
    assert isinstance(steps, list | tuple)
    [step] = steps
    assert isinstance(step, Say)
    return step.text


def test_a_rule_gives_one_answer_for_each_request():
    script = Script().on("go", Say("one"), Say("two"))
    assert said(script, request(user("Go on"))) == "one"
    assert said(script, request(user("Go on"), answer())) == "two"


def test_the_first_matching_rule_answers():
    script = Script().on("fix the", Say("first")).on("fix", Say("second")).on("", Say("third"))
    assert said(script, request(user("Fix THE bug"), thread="a")) == "first"
    assert said(script, request(user("fix it"), thread="b")) == "second"
    assert said(script, request(user("hello"), thread="c")) == "third"


def test_a_follow_up_without_a_rule_of_its_own_continues_the_sequence():
    script = Script().on("begin", Say("one"), Say("two"))
    said(script, request(user("begin")))
    assert said(script, request(user("begin"), answer(), user("and now?"))) == "two"


def test_a_follow_up_with_a_rule_of_its_own_leaves_the_sequence_where_it_was():
    script = Script().on("begin", Say("one"), Say("two")).on("aside", Say("by the way"))
    said(script, request(user("begin")))
    history = [user("begin"), answer(), user("an aside")]
    assert said(script, request(*history)) == "by the way"
    assert said(script, request(*history, answer(), user("begin again"))) == "two"


def test_a_role_distinguishes_threads_with_the_same_prompt():
    script = Script().on("", Say("I test"), role="Tester").on("", Say("I build"))
    assert said(script, request(user("work"), thread="a", role="You are the tester.")) == "I test"
    assert said(script, request(user("work"), thread="b", role="You are a builder.")) == "I build"


def test_codexs_own_instructions_are_not_a_role():
    script = Script().on("", Say("I test"), role="tester").on("", Say("I do not"))
    assert said(script, request(user("work"))) == "I do not"


def test_each_thread_has_its_own_position_in_a_rule():
    script = Script().on("", Say("one"), Say("two"))
    assert said(script, request(user("x"), thread="a")) == "one"
    assert said(script, request(user("x"), thread="b")) == "one"
    assert said(script, request(user("x"), thread="a")) == "two"


def test_an_unknown_thread_with_a_history_continues_by_it():
    script = Script().on("begin", Say("one"), Say("two"), Say("three")).on("aside", Say("aside"))
    history = [user("begin"), answer(), user("aside"), answer(), user("begin"), answer()]
    assert said(script, request(*history, user("go on"), thread="fork")) == "three"


def test_a_request_without_a_thread_id_is_answered_by_its_history():
    script = Script().on("", Say("one"), Say("two"))
    assert said(script, request(user("x"), thread="")) == "one"
    assert said(script, request(user("x"), thread="")) == "one"
    assert said(script, request(user("x"), answer(), user("y"), thread="")) == "two"


def test_a_script_without_further_answers_says_so():
    script = Script().on("go", Say("one"))
    said(script, request(user("go")))
    assert "no more answers for 'go'" in said(script, request(user("go")))


def test_a_request_that_no_rule_matches_is_told_so():
    assert "no answer for 'what?'" in said(Script(), request(user("what?")))


def test_a_repeated_rule_starts_over():
    script = Script().on("", Say("one"), Say("two"), repeat=True)
    assert [said(script, request(user("x"))) for _ in range(3)] == ["one", "two", "one"]


def test_an_answer_can_be_several_steps_or_a_function_of_the_request():
    def echo(asked: ModelRequest) -> list[Step]:
        return [Say(asked.last_user_text)]

    script = Script().on("", [Say("look"), Run("ls")], echo)
    assert script(request(user("x"))) == [Say("look"), Run("ls")]
    assert said(script, request(user("x"), answer(), user("echoed"))) == "echoed"


def test_a_rule_without_answers_is_refused():
    with pytest.raises(ValueError, match="at least one answer"):
        Script().on("go")
