"""Values of app-server, converted to the legacy format."""

from __future__ import annotations

import pytest

from codextui.codex.legacy.values import (
    duration,
    error_info,
    file_changes_by_path,
    file_uri,
    parsed_cmd,
    permission_profile,
    snake_case,
    snake_keys,
    split_command,
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ls -l", ["ls", "-l"]),
        ("/bin/bash -c 'echo hi; ls'", ["/bin/bash", "-c", "echo hi; ls"]),
        (
            r'''sh -c "it's \$HOME \`x\` \"q\" \\ \n"''',
            ["sh", "-c", r"""it's $HOME `x` "q" \ \n"""],
        ),
        ("""a'b'"c"d""", ["abcd"]),
        ("a ''", ["a", ""]),
        (r"a\ b", ["a b"]),
        ("it's", ["it's"]),
        ("", []),
        ("x\ny", ["x", "y"]),
    ],
)
def test_a_command_line_is_split_as_a_shell_does(line: str, expected: list[str]) -> None:
    assert split_command(line) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("inProgress", "in_progress"),
        ("unifiedExecStartup", "unified_exec_startup"),
        ("agent", "agent"),
        ("socks5Tcp", "socks5_tcp"),
        ("already_snake", "already_snake"),
    ],
)
def test_names_become_snake_case(name: str, expected: str) -> None:
    assert snake_case(name) == expected


def test_keys_become_snake_case_and_values_stay() -> None:
    assert snake_keys({"aB": [{"cD": "eF"}]}) == {"a_b": [{"c_d": "eF"}]}


def test_the_path_of_a_read_is_as_the_command_has_it() -> None:
    read = {"type": "read", "name": "a", "path": "/w/a"}
    source = {
        "cwd": "/w",
        "commandActions": [
            {**read, "command": "cat a"},
            {**read, "command": "cat /w/a"},
            {"type": "listFiles", "command": "ls", "path": None},
        ],
    }
    assert parsed_cmd(source) == [
        {"type": "read", "name": "a", "path": "a", "cmd": "cat a"},
        {"type": "read", "name": "a", "path": "/w/a", "cmd": "cat /w/a"},
        {"type": "list_files", "path": None, "cmd": "ls"},
    ]


def test_the_move_of_a_file_is_removed_from_its_diff() -> None:
    kind = {"type": "update", "move_path": "/w/b"}
    change = {"path": "/w/a", "kind": kind, "diff": "@@\n-x\n+y\n\n\nMoved to: /w/b"}
    assert file_changes_by_path({"changes": [change]}) == {
        "/w/a": {"type": "update", "unified_diff": "@@\n-x\n+y\n", "move_path": "/w/b"}
    }


def test_a_duration_has_seconds_and_nanoseconds() -> None:
    assert duration(2003) == {"secs": 2, "nanos": 3_000_000}


def test_only_an_absolute_path_becomes_a_uri() -> None:
    assert file_uri("/a b/ü") == "file:///a%20b/%C3%BC"
    assert file_uri("C:\\a") == "C:\\a"


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ("badRequest", "bad_request"),
        (None, None),
        (
            {"activeTurnNotSteerable": {"turnKind": "review"}},
            {"active_turn_not_steerable": {"turn_kind": "review"}},
        ),
    ],
)
def test_the_info_of_an_error_is_in_snake_case(info: object, expected: object) -> None:
    assert error_info(info) == expected


@pytest.mark.parametrize(
    ("sandbox", "expected"),
    [
        ({"type": "dangerFullAccess"}, {"type": "disabled"}),
        (
            {"type": "externalSandbox", "networkAccess": "enabled"},
            {"type": "external", "network": "enabled"},
        ),
    ],
)
def test_a_sandbox_without_restricted_files_has_a_profile(
    sandbox: dict[str, object], expected: dict[str, object]
) -> None:
    assert permission_profile(sandbox, "/w") == expected
