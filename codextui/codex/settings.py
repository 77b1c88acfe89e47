"""Changes to the settings of a loaded thread, for its next turns and for the running one.

Codex (0.153.4 and later) takes any name as a model or an effort for the next turns, and a turn with
one that does not exist fails. In mid-turn it takes a model that it knows, and an effort, where the
user has set `features.step_model_switching`. The errors are those of `codextui.codex.calls`.
"""

from __future__ import annotations

from dataclasses import dataclass

from codextui.codex.app_server import AppServer
from codextui.codex.calls import typed_refusals
from codextui.errors import CodexFailed
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json

_SANDBOX_TYPES = {
    "read-only": "readOnly",
    "workspace-write": "workspaceWrite",
    "danger-full-access": "dangerFullAccess",
}
_WORKSPACE_KEYS = {
    "network_access": "networkAccess",
    "exclude_tmpdir_env_var": "excludeTmpdirEnvVar",
    "exclude_slash_tmp": "excludeSlashTmp",
}


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """New values of a thread's settings; None leaves one as it is.

    Attributes:
        model: the model's name.
        effort: the model's reasoning effort.
        approval_policy: `untrusted`, `on-request` or `never`.
        sandbox: `read-only`, `workspace-write` or `danger-full-access`.
    """

    model: str | None = None
    effort: str | None = None
    approval_policy: str | None = None
    sandbox: str | None = None

    def values(self) -> dict[str, str]:
        """Return the new values by the names that people use."""
        named = {
            "model": self.model,
            "effort": self.effort,
            "approval-policy": self.approval_policy,
            "sandbox": self.sandbox,
        }
        return {name: value for name, value in named.items() if value is not None}


async def update_thread_settings(app: AppServer, thread_id: str, change: SettingsChange) -> None:
    """Change what a thread's next turns have (`thread/settings/update`).

    A sandbox `workspace-write` gets the network and the exceptions of Codex's configuration.

    Raises:
        ThreadUnknown: the thread is not loaded.
    """
    params: dict[str, Json] = {
        "threadId": thread_id,
        "model": change.model,
        "effort": change.effort,
        "approvalPolicy": change.approval_policy,
    }
    if change.sandbox is not None:
        params["sandboxPolicy"] = await _sandbox_policy(app, change.sandbox)
    with typed_refusals(thread_id):
        given = {key: value for key, value in params.items() if value is not None}
        await app.call("thread/settings/update", given)


async def update_turn_settings(
    app: AppServer, thread_id: str, turn_id: str, change: SettingsChange
) -> str:
    """Change the model and the effort of a running turn from its next step on.

    Returns:
        why Codex does not do that (`turn/settings/update`); empty where it does.
    """
    params = {
        "threadId": thread_id,
        "turnId": turn_id,
        "model": change.model,
        "effort": change.effort,
    }
    try:
        result = await app.call(
            "turn/settings/update",
            {key: value for key, value in params.items() if value is not None},
        )
    except CodexFailed as error:
        if "step_model_switching" in str(error):
            return "Codex does that only with features.step_model_switching = true"
        if "fallback metadata" in str(error):
            return "Codex does not know that model well enough to change to it in mid-turn"
        return str(error)
    applied = fields.text_or(result, "status") == "applied"
    return "" if applied else "the turn has just ended"


async def list_models(app: AppServer) -> frozenset[str]:
    """Return the names of the models that Codex knows of (`model/list`), hidden ones too."""
    models: set[str] = set()
    cursor: str | None = None
    for _ in range(10):
        params: dict[str, Json] = {"limit": 100, "cursor": cursor, "includeHidden": True}
        page = await app.call("model/list", params)
        for model in fields.objects(page, "data"):
            models |= {fields.text_or(model, "id"), fields.text_or(model, "model")}
        cursor = fields.maybe_text(page, "nextCursor")
        if cursor is None:
            break
    return frozenset(models)


async def _sandbox_policy(app: AppServer, sandbox: str) -> dict[str, Json]:
    policy: dict[str, Json] = {"type": _SANDBOX_TYPES[sandbox]}
    if sandbox == "workspace-write":
        result = await app.call("config/read", {})
        config = fields.as_object(result.get("config") or {}, "config")
        settings = fields.as_object(config.get("sandbox_workspace_write") or {}, "sandbox")
        for key, name in _WORKSPACE_KEYS.items():
            if isinstance(settings.get(key), bool):
                policy[name] = settings[key]
    return policy
