"""What callers are told where the real Codex is not logged in."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from contract.serving import serving

from codextui.demo import Say, Script, codex_environment, write_codex_home
from codextui.protocol.threads import ThreadState

pytestmark = pytest.mark.contract

LOGIN_NEEDED = "model_providers.script.requires_openai_auth = true"


def without_login(scratch: Path) -> dict[str, Any]:
    home = write_codex_home(scratch / "other", "http://127.0.0.1:9/v1", extra=LOGIN_NEEDED)
    return {"codex_home": home, "env": codex_environment(home)}


async def test_a_call_without_a_login_fails_at_once_and_names_what_to_type(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    options = without_login(scratch)
    script = Script().on("hello", Say("Hello."))
    async with (
        serving(codex_binary, scratch, script, **options) as served,
        served.client() as client,
        served.console() as console,
    ):
        began = time.monotonic()
        result = await client.call("codex", prompt="hello", cwd=str(workspace))
        assert time.monotonic() - began < 10
        assert result["isError"]
        assert "codex login" in result["content"][0]["text"]
        assert result["structuredContent"]["error"]["kind"] == "CodexLoginMissing"
        assert (await console.call("codex-threads"))["threads"] == []

        # A thread that another provider serves needs no login.
        url = served.model.base_url
        own = {
            "model_provider": "free",
            "model_providers.free.name": "free",
            "model_providers.free.base_url": url,
            "model_providers.free.wire_api": "responses",
        }
        free = await client.call("codex", prompt="hello", cwd=str(workspace), config=own)
        assert free["structuredContent"]["content"] == "Hello."

        # A thread without a turn may be begun; its first turn may not.
        started = await console.call("codex-start", cwd=str(workspace))
        thread_id = started["thread"]["thread_id"]
        reply = await client.call("codex-reply", prompt="hello", threadId=thread_id)
        assert reply["structuredContent"]["error"]["kind"] == "CodexLoginMissing"
        await console.state(thread_id, ThreadState.IDLE)

        write_codex_home(options["codex_home"], url, extra=LOGIN_NEEDED)
        auth = options["codex_home"] / "auth.json"
        auth.write_text(json.dumps({"OPENAI_API_KEY": "sk-for-the-script"}))
        again = await client.call("codex", prompt="hello", cwd=str(workspace))
        assert again["structuredContent"]["content"] == "Hello."
        assert (await console.call("codex-server"))["problem"] == ""
