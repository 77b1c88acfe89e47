"""Whether Codex is logged in, from what its process and `codex login status` say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from codex.test_calls import Answering

from codextui.codex.binary import CodexBinary
from codextui.codex.login import chosen_provider, read_login_problem
from codextui.codex.threads import ThreadOptions
from codextui.errors import ConfigInvalid

NO_ACCOUNT: dict[str, Any] = {"account": None, "requiresOpenaiAuth": True}


@pytest.mark.parametrize(
    ("account", "said"),
    [
        (NO_ACCOUNT, "Type: codextui login"),
        ({"account": {"type": "chatgpt"}, "requiresOpenaiAuth": True}, ""),
        ({"account": None, "requiresOpenaiAuth": False}, ""),
    ],
)
async def test_a_missing_login_names_the_command_to_type(
    account: dict[str, Any], said: str
) -> None:
    problem = await read_login_problem(Answering(account).app)
    assert problem.endswith(said)
    assert bool(problem) is bool(said)


@pytest.mark.parametrize(
    ("provider", "configured", "needed"),
    [
        ("openai", {}, True),
        ("mine", {}, False),
        ("mine", {"mine": {"requires_openai_auth": None}}, False),
        ("mine", {"mine": {"requires_openai_auth": True}}, True),
        ("mine", None, False),
    ],
)
async def test_a_thread_of_another_provider_needs_a_login_only_if_that_says_so(
    provider: str, configured: Any, needed: bool
) -> None:
    config = {"config": {"model_providers": configured}}
    server = Answering(NO_ACCOUNT, config)
    assert bool(await read_login_problem(server.app, provider=provider)) is needed


@pytest.mark.parametrize(("script", "problem"), [("exit 0", False), ("exit 1", True)])
async def test_a_login_that_is_newer_than_the_process_counts(
    script: str, problem: bool, tmp_path: Path
) -> None:
    path = tmp_path / "codex"
    path.write_text(f'#!/bin/sh\n[ "$*" = "login status" ] || exit 3\n{script}\n')
    path.chmod(0o755)
    binary = CodexBinary(path, (0, 163, 0), "config")
    asked = read_login_problem(Answering(NO_ACCOUNT).app, binary, home=tmp_path)
    assert bool(await asked) is problem


async def test_a_binary_that_cannot_be_run_knows_of_no_login(tmp_path: Path) -> None:
    binary = CodexBinary(tmp_path / "gone", (0, 163, 0), "config")
    assert await read_login_problem(Answering(NO_ACCOUNT).app, binary)


def test_the_provider_of_a_call_comes_from_its_settings_or_its_profile(tmp_path: Path) -> None:
    app = Answering(home=tmp_path).app
    (tmp_path / "p.config.toml").write_text('model_provider = "of the profile"\n')
    assert chosen_provider(app, ThreadOptions()) == ""
    assert chosen_provider(app, ThreadOptions(profile="p")) == "of the profile"
    own = ThreadOptions(profile="p", config={"model_provider": "own"})
    assert chosen_provider(app, own) == "own"
    assert chosen_provider(app, ThreadOptions(config={"model_provider": 3})) == ""
    with pytest.raises(ConfigInvalid):
        chosen_provider(app, ThreadOptions(profile="gone"))
