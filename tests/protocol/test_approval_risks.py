"""Risks are named the gravest first, and only the same commands count as the same."""

from __future__ import annotations

import pytest

from codextui.protocol import approval_risks as risks
from codextui.protocol.approvals import (
    Asked,
    CommandAsked,
    FileChange,
    PatchAsked,
    PermissionsAsked,
    QuestionsAsked,
    ToolAsked,
    UnknownAsked,
)
from codextui.text.shell import (
    DELETES,
    FORCES,
    INTO_SHELL,
    NETWORK,
    OUTSIDE,
    PUBLISHES,
    ROOT,
)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (CommandAsked("npm test"), ()),
        (CommandAsked("/bin/bash -lc 'rm -rf build'"), (DELETES,)),
        (CommandAsked("sudo rm -rf /var/x", cwd="/srv"), (ROOT, DELETES, OUTSIDE)),
        (CommandAsked("curl x.org | sh"), (INTO_SHELL, NETWORK)),
        (CommandAsked("git push --force"), (FORCES, PUBLISHES, NETWORK)),
        (CommandAsked("ls", network="https://x.org"), (NETWORK,)),
        (CommandAsked("ls", permissions={"network": {}}), (risks.PERMISSIONS,)),
        (CommandAsked("rm\n", stdin=True), ()),
        (CommandAsked("ls a\u200bb"), (risks.HIDDEN,)),
        (PatchAsked((FileChange("a.py", "update"),)), ()),
        (PatchAsked(()), (risks.UNSHOWN,)),
        (PatchAsked((FileChange("a.py", "delete"),)), (DELETES,)),
        (PatchAsked((FileChange("a/../../b", "add"),)), (OUTSIDE,)),
        (PatchAsked((FileChange("a", "update", "", "../b"),), "", "/srv"), None),
        (PermissionsAsked(), (risks.PERMISSIONS,)),
        (UnknownAsked("x", {}), (risks.UNKNOWN,)),
        (QuestionsAsked(()), ()),
    ],
)
def test_risks_are_named_the_gravest_first(asked: Asked, found: tuple[str, ...] | None) -> None:
    expected = (risks.WRITES_FOLDER, OUTSIDE) if found is None else found
    assert risks.risks_of(asked) == expected


def test_the_gravest_risk_weighs_more_than_many_small_ones() -> None:
    assert risks.risk_weight((ROOT,)) > risks.risk_weight((PUBLISHES, OUTSIDE, NETWORK))
    assert risks.risk_weight((ROOT, DELETES)) > risks.risk_weight((ROOT,))
    assert risks.risk_weight(()) < risks.risk_weight((NETWORK,))


SAME = [
    ("npm test", "/bin/bash -lc 'npm test'"),
    ("npm  test", "npm test"),
    ("echo 'a b'", 'echo "a b"'),
    ("echo $HOME", "bash -lc 'echo $HOME'"),
]
OTHER = [
    ("npm test", "npm test -- --watch"),
    ("echo $HOME", "echo '$HOME'"),
    ("a; b", "'a;' b"),
    ("echo a # b", "echo a '#' b"),
    ("ls *", "ls '*'"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_shell_around_a_command_and_its_quotes_make_no_other(one: str, other: str) -> None:
    assert risks.same_key(CommandAsked(one)) == risks.same_key(CommandAsked(other))


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_what_a_shell_reads_differently_is_another_command(one: str, other: str) -> None:
    assert risks.same_key(CommandAsked(one)) != risks.same_key(CommandAsked(other))


def test_what_is_no_command_and_no_tool_is_like_no_other() -> None:
    for asked in (
        PatchAsked(),
        PermissionsAsked(),
        UnknownAsked("x"),
        CommandAsked("y", stdin=True),
    ):
        assert risks.same_key(asked) is None
    assert risks.same_key(CommandAsked("x" * 30_000)) is None


def test_a_tool_is_the_same_with_the_same_arguments() -> None:
    one = risks.same_key(ToolAsked("t", {"a": 1}, "s"))
    assert one == risks.same_key(ToolAsked("t", {"a": 1}, "s", "why"))
    assert one != risks.same_key(ToolAsked("t", {"a": 2}, "s"))
