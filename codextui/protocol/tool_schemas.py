"""What the schemas of the tools share: texts, annotations, the options of a thread."""

from __future__ import annotations

from codextui.jsonrpc.fields import JsonObject


def text_property(description: str) -> dict[str, object]:
    """Return the schema of a text."""
    return {"type": "string", "description": description}


def tool_annotations(
    *, reads: bool = False, destroys: bool = False, repeatable: bool = False, reaches: bool = False
) -> dict[str, object]:
    """Return the hints by which clients decide whether to ask a person before they call a tool.

    Args:
        reads: whether it changes nothing.
        destroys: whether it may undo or overwrite something, here or in a project.
        repeatable: whether a second call with the same arguments changes nothing more.
        reaches: whether it sets an agent to work, on files, commands and maybe the network.
    """
    return {
        "readOnlyHint": reads,
        "destructiveHint": destroys,
        "idempotentHint": repeatable,
        "openWorldHint": reaches,
    }


READS = tool_annotations(reads=True, repeatable=True)
WORKS = tool_annotations(destroys=True, reaches=True)
CHANGES = tool_annotations()
SETTLES = tool_annotations(repeatable=True)
ENDS = tool_annotations(destroys=True, repeatable=True)

OUTPUT_SCHEMA: JsonObject = {
    "description": (
        "JSON schema that the agent's final message must fit. The message is then returned as "
        "JSON text, and parsed in structuredContent.output."
    ),
    "type": "object",
    "additionalProperties": True,
}

POLICIES = ["untrusted", "on-request", "on-failure", "never"]
"""The approval policies that people may name."""

THREAD_OPTIONS: JsonObject = {
    "model": text_property("The model's name; Codex's own default where left out."),
    "cwd": text_property("The working folder; absolute."),
    "sandbox": {
        "type": "string",
        "enum": ["read-only", "workspace-write", "danger-full-access"],
    },
    "approval-policy": {"type": "string", "enum": POLICIES},
    "base-instructions": text_property("Instructions instead of Codex's own."),
    "developer-instructions": text_property("Instructions beside Codex's own."),
    "compact-prompt": text_property("What the model is told when the history is compacted."),
    "config": {"type": "object", "description": "Single settings of Codex's config.toml."},
    "profile": text_property("A profile of Codex's config.toml."),
}
"""The options of a new thread."""
