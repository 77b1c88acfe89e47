"""The tools of the shared server, as `tools/list` shows them.

`codex` and `codex-reply` are those of `codex mcp-server` 0.153.4, word for word, with one argument
more (`output-schema`). The others are for supervisors. `thread` is always a thread id, a handle, or
a unique beginning of an id (6 characters and more).
"""

from __future__ import annotations

from codextui.jsonrpc.fields import JsonObject

SUPERVISOR = "codextui/supervisor"
"""The experimental capability by which a client says that it supervises."""

SUBSCRIBE_METHOD = "codex/subscribe"
"""The request that subscribes to events; it stays open: `{since, epoch}`."""

NOW = -1
"""The `since` of a subscription to nothing but what follows, whatever the epoch."""

SUBSCRIBED_METHOD = "codex/subscribed"
"""The notification before the first event: `{epoch, since, head}`."""

CAUGHT_UP_METHOD = "codex/caught_up"
"""The notification after the last replayed event: `{seq}`."""

RELAYED_METHOD = "codextui/relayed"
"""The first notification of a relay, before any message of its client.

`{cwd, config?, tools?, events?, parent?}`: the client's working folder, against which the `cwd` of
its calls is resolved; settings of Codex for all its threads; `"all"` to list the supervisors'
tools as well; whether its calls bring it `codex/event`, if the user chose; the id of the process
that started the relay.
"""

EVENTS = "codextui/events"
"""The experimental capability by which a client chooses whether its calls bring it `codex/event`.

Its value is `{"send": true}`. Without it `takes_events` decides by the client's name.
"""

EVENT_CLIENTS = frozenset({"aionui", "codex-remoteapp"})
"""Names, in lower case, of clients of `codex mcp-server` that show its `codex/event`."""

EVENT_CLIENT_SUFFIX = "-codex-client"
"""The end of the names of Happy (`happy-codex-client`) and its forks, which show them too."""


def takes_events(client: str, capability: JsonObject | None, chosen: bool | None) -> bool:
    """Return whether a client's calls bring it `codex/event`.

    Most clients have no use for them, and the SDKs that they are built on make each one a warning
    (mcp 1.x for Python) or an error (the AI SDK). So only those get them that ask for them or are
    known to show them.

    Args:
        client: the name that the client gave itself.
        capability: its experimental capability `EVENTS`, if it declared that.
        chosen: what its user chose by `codextui mcp-server --events`; None for nothing.
    """
    if chosen is not None:
        return chosen
    match capability:
        case {"send": bool(send)}:
            return send
        case None:
            name = client.lower()
            return name in EVENT_CLIENTS or name.endswith(EVENT_CLIENT_SUFFIX)
        case _:
            return True


APPROVAL_META = "codextui/approval"
"""The key of `_meta` under which an elicitation carries the whole approval."""


def _text(description: str) -> dict[str, object]:
    return {"type": "string", "description": description}


def _annotations(
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


_READS = _annotations(reads=True, repeatable=True)
_WORKS = _annotations(destroys=True, reaches=True)
_CHANGES = _annotations()
_SETTLES = _annotations(repeatable=True)
_ENDS = _annotations(destroys=True, repeatable=True)


def _tool(
    name: str,
    title: str,
    description: str,
    properties: JsonObject,
    required: tuple[str, ...] = (),
    *,
    annotations: JsonObject,
) -> dict[str, object]:
    return {
        "name": name,
        "title": title,
        "description": description,
        "annotations": annotations,
        "inputSchema": {
            "type": "object",
            "properties": properties,
            "required": list(required),
            "additionalProperties": False,
        },
    }


_ANSWER_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"threadId": {"type": "string"}, "content": {"type": "string"}},
    "required": ["threadId", "content"],
}

_OUTPUT_SCHEMA: JsonObject = {
    "description": (
        "JSON schema that the agent's final message must fit. The message is then returned as "
        "JSON text, and parsed in structuredContent.output."
    ),
    "type": "object",
    "additionalProperties": True,
}

CODEX: JsonObject = {
    "name": "codex",
    "title": "Codex",
    "description": (
        "Run a Codex session. Accepts configuration parameters matching the Codex Config struct."
    ),
    "inputSchema": {
        "additionalProperties": False,
        "properties": {
            "approval-policy": {
                "description": (
                    "Approval policy for shell commands generated by the model: "
                    "`on-request`, `never`."
                ),
                "type": "string",
                "enum": ["on-request", "never"],
            },
            "base-instructions": {
                "description": "The set of instructions to use instead of the default ones.",
                "type": "string",
            },
            "compact-prompt": {
                "description": "Prompt used when compacting the conversation.",
                "type": "string",
            },
            "config": {
                "description": (
                    "Individual config settings that will override what is in "
                    "CODEX_HOME/config.toml."
                ),
                "type": "object",
                "additionalProperties": True,
            },
            "cwd": {
                "description": (
                    "Working directory for the session. If relative, it is resolved against the "
                    "server process's current working directory."
                ),
                "type": "string",
            },
            "developer-instructions": {
                "description": (
                    "Developer instructions that should be injected as a developer role message."
                ),
                "type": "string",
            },
            "model": {
                "description": (
                    "Optional override for the model name (e.g. 'gpt-5.2', 'gpt-5.2-codex')."
                ),
                "type": "string",
            },
            "output-schema": _OUTPUT_SCHEMA,
            "prompt": {
                "description": "The *initial user prompt* to start the Codex conversation.",
                "type": "string",
            },
            "sandbox": {
                "description": (
                    "Sandbox mode: `read-only`, `workspace-write`, or `danger-full-access`."
                ),
                "type": "string",
                "enum": ["read-only", "workspace-write", "danger-full-access"],
            },
        },
        "required": ["prompt"],
        "type": "object",
    },
    "outputSchema": _ANSWER_SCHEMA,
    "annotations": _WORKS,
}
"""The tool `codex` of 0.153.4, with `output-schema` and annotations."""

CODEX_REPLY: JsonObject = {
    "name": "codex-reply",
    "title": "Codex Reply",
    "description": "Continue a Codex conversation by providing the thread id and prompt.",
    "inputSchema": {
        "properties": {
            "conversationId": {
                "description": "DEPRECATED: use threadId instead.",
                "type": "string",
            },
            "output-schema": _OUTPUT_SCHEMA,
            "prompt": {
                "description": "The *next user prompt* to continue the Codex conversation.",
                "type": "string",
            },
            "threadId": {
                "description": (
                    "The thread id for this Codex session. This field is required, but we keep "
                    "it optional here for backward compatibility for clients that still use "
                    "conversationId."
                ),
                "type": "string",
            },
        },
        "required": ["prompt"],
        "type": "object",
    },
    "outputSchema": _ANSWER_SCHEMA,
    "annotations": _WORKS,
}
"""The tool `codex-reply` of 0.153.4, with `output-schema` and annotations."""

_THREAD = {"thread": _text("A thread id, a handle, or a unique beginning of an id.")}

_IMAGES: JsonObject = {
    "images": {
        "type": "array",
        "description": "Absolute paths of PNG, JPEG, GIF or WebP files that go with the prompt.",
        "items": {"type": "string"},
    }
}

_RUN = {"run": _text("The run's id: `run:` and what follows.")}

_POLICIES = ["untrusted", "on-request", "on-failure", "never"]

_OPTIONS: JsonObject = {
    "model": _text("The model's name; Codex's own default where left out."),
    "cwd": _text("The working folder; absolute."),
    "sandbox": {
        "type": "string",
        "enum": ["read-only", "workspace-write", "danger-full-access"],
    },
    "approval-policy": {"type": "string", "enum": _POLICIES},
    "base-instructions": _text("Instructions instead of Codex's own."),
    "developer-instructions": _text("Instructions beside Codex's own."),
    "compact-prompt": _text("What the model is told when the history is compacted."),
    "config": {"type": "object", "description": "Single settings of Codex's config.toml."},
    "profile": _text("A profile of Codex's config.toml."),
}

_BUDGET: JsonObject = {
    "budget": {
        "type": "integer",
        "minimum": 0,
        "description": "Tokens that the thread and its sub-agents may use in all; 0 for any.",
    }
}

SUPERVISOR_TOOLS: tuple[JsonObject, ...] = (
    _tool(
        "codex-start",
        "Start a thread",
        "Start a Codex thread and return at once; its turn runs on.",
        {
            "prompt": _text("What it is to do; without it the thread waits."),
            **_IMAGES,
            "handle": _text("The short name that people use, such as a role."),
            "parent": _text("The id of the role that it works for; it stands under it."),
            **_BUDGET,
            **_OPTIONS,
        },
        annotations=_WORKS,
    ),
    _tool(
        "codex-send",
        "Say something to a thread",
        "Reply to a thread at rest, or steer the turn that runs; returns at once.",
        {**_THREAD, "prompt": _text("What to say."), **_IMAGES},
        ("thread", "prompt"),
        annotations=_WORKS,
    ),
    _tool(
        "codex-steer",
        "Steer a turn",
        "Say something to the turn that runs.",
        {**_THREAD, "prompt": _text("What to say."), **_IMAGES},
        ("thread", "prompt"),
        annotations=_WORKS,
    ),
    _tool(
        "codex-queue",
        "Queue messages for a thread",
        "Add a message to what a thread gets after the running turn, each as a turn of its own; "
        "list what waits, remove one, or start the next after an interrupt. Returns the thread, "
        "whose `queued` has the ids.",
        {
            **_THREAD,
            "action": {"type": "string", "enum": ["add", "list", "remove", "start"]},
            "prompt": _text("With `add`: what to say."),
            **_IMAGES,
            "message": _text("With `remove`: the id of the queued message."),
        },
        ("thread", "action"),
        annotations=_WORKS,
    ),
    _tool(
        "codex-settings",
        "Change a thread's settings",
        "Change settings of a thread. `now` has those in effect, `next` those that the running "
        "turn does not take any more, and `text` says it in a line.",
        {
            **_THREAD,
            "model": _text("The model's name."),
            "effort": _text("The model's reasoning effort, such as low, medium or high."),
            "approval-policy": {"type": "string", "enum": ["untrusted", "on-request", "never"]},
            "sandbox": _OPTIONS["sandbox"],
            **_BUDGET,
        },
        ("thread",),
        annotations=_WORKS,
    ),
    _tool(
        "codex-exec",
        "Run a turn as `codex exec`",
        "Start a turn on a new thread, or on one at rest, and return at once. The turn ends when "
        "this client disconnects. The approval policy is never where none is named.",
        {
            "thread": _text("The thread to resume; a new one where left out."),
            "prompt": _text("What it is to do."),
            **_IMAGES,
            "output-schema": _OUTPUT_SCHEMA,
            "home": _text("The CODEX_HOME that it is for; any where left out."),
            "effort": _text("The reasoning effort, where the thread is loaded already."),
            "add-dirs": {
                "type": "array",
                "description": "Folders that the sandbox may write to beside the working folder.",
                "items": {"type": "string"},
            },
            **_OPTIONS,
        },
        ("prompt",),
        annotations=_WORKS,
    ),
    _tool(
        "codex-review",
        "Review changes",
        "Let Codex review the uncommitted changes of a thread's folder, or what one of `base`, "
        "`commit` and `instructions` names; returns at once. In the thread, which has to be at "
        "rest, or in a new one: with `detached`, or with `cwd` instead of `thread`.",
        {
            **_THREAD,
            "cwd": _text("The folder to review, in a new thread; absolute."),
            "detached": {"type": "boolean", "description": "Review in a new thread."},
            "base": _text("A branch: what differs from it."),
            "commit": _text("A commit: what it changes."),
            "instructions": _text("What to review, in words."),
            "handle": _text("The short name of the new thread."),
        },
        annotations=_WORKS,
    ),
    _tool(
        "codex-fork",
        "Fork a thread",
        "Make a thread with the past of another, as a whole or through one of its turns.",
        {
            **_THREAD,
            "turn": _text("The last turn to take over; the whole past where left out."),
            "prompt": _text("What the fork is to do at once."),
            "handle": _text("The fork's short name."),
        },
        ("thread",),
        annotations=_WORKS,
    ),
    _tool(
        "codex-interrupt",
        "Interrupt a turn",
        "End the running turn and every process that its commands left.",
        _THREAD,
        ("thread",),
        annotations=_ENDS,
    ),
    _tool(
        "codex-kill",
        "Kill a thread",
        "End a thread for good: its turn, its processes, its approvals; then archive it.",
        _THREAD,
        ("thread",),
        annotations=_ENDS,
    ),
    _tool(
        "codex-resume",
        "Resume a thread",
        "Bring a thread back: one that was killed, or any of Codex's own history.",
        _THREAD,
        ("thread",),
        annotations=_SETTLES,
    ),
    _tool(
        "codex-adopt",
        "Take a thread over",
        "Make a thread that another program started one of this server's own: one on the same "
        "Codex, or one of Codex's history that no other process has loaded.",
        _THREAD,
        ("thread",),
        annotations=_SETTLES,
    ),
    _tool(
        "codex-rename",
        "Rename a thread",
        "Give a thread another handle, and that name in Codex.",
        {**_THREAD, "handle": _text("The new handle; it is made unique.")},
        ("thread", "handle"),
        annotations=_SETTLES,
    ),
    _tool(
        "codex-follow",
        "Follow a thread of another program",
        "Get the events of a thread that another program has open on the same Codex, or no more. "
        "Ends with the client. Threads of this server are always followed.",
        {**_THREAD, "follow": {"type": "boolean", "description": "Whether to get its events."}},
        ("thread", "follow"),
        annotations=_SETTLES,
    ),
    _tool(
        "codex-history",
        "List Codex's history",
        "List the threads that Codex has on disk, the newest first, whoever started them.",
        {
            "search": _text("Text that the threads have."),
            "archived": {"type": "boolean", "description": "The archived ones instead."},
            "cursor": _text("Where the page begins, as the page before says."),
            "limit": {"type": "integer", "minimum": 1, "maximum": 200},
        },
        annotations=_READS,
    ),
    _tool(
        "codex-archive",
        "Archive a thread",
        "Take a thread at rest out of Codex's lists, or bring it back.",
        {**_THREAD, "archived": {"type": "boolean", "description": "Whether it is archived."}},
        ("thread", "archived"),
        annotations=_SETTLES,
    ),
    _tool(
        "codex-threads",
        "List threads",
        "List the threads of this server.",
        {
            "all": {"type": "boolean", "description": "Also those that were killed."},
            "thread": _text("Only this one, also a killed one: an id, a handle or a beginning."),
        },
        annotations=_READS,
    ),
    _tool(
        "codex-read",
        "Read a thread",
        "Read all that happened on a thread.",
        _THREAD,
        ("thread",),
        annotations=_READS,
    ),
    _tool(
        "codex-approvals",
        "List approvals",
        "List what waits for a decision.",
        {},
        annotations=_READS,
    ),
    _tool(
        "codex-answer",
        "Decide an approval",
        "Decide an approval; the first decision counts.",
        {
            "approval": _text("The approval's id."),
            "decision": {
                "type": "string",
                "enum": [
                    "approved",
                    "approved_for_session",
                    "approved_always",
                    "denied",
                    "abort",
                    "answered",
                ],
            },
            "message": _text("With `denied`: what the agent is told."),
            "answers": {
                "type": "object",
                "description": "With `answered`: the answers by question, or a form's content.",
            },
        },
        ("approval", "decision"),
        annotations=_WORKS,
    ),
    _tool(
        "codex-publish",
        "Tell of a team's run",
        "Tell everybody what happens in a run that this client runs. The first telling of a "
        "thread is its row. Returns the handles that its rows got.",
        {
            **_RUN,
            "events": {
                "type": "array",
                "description": "In order: `threadId`, `turnId`, and `msg` as in `codex/event`.",
                "items": {
                    "type": "object",
                    "properties": {
                        "threadId": {"type": "string"},
                        "turnId": {"type": "string"},
                        "msg": {"type": "object"},
                    },
                    "required": ["threadId", "msg"],
                },
            },
        },
        ("run", "events"),
        annotations=_CHANGES,
    ),
    _tool(
        "codex-ask",
        "Ask a person",
        "Ask people on behalf of a role of this client's run, and wait for the first answer. "
        "Cancelling the call takes the question back.",
        {
            **_THREAD,
            "kind": {"type": "string", "enum": ["tool", "questions"]},
            "asked": {"type": "object", "description": "What is asked, as in an approval."},
        },
        ("thread", "kind", "asked"),
        annotations=_CHANGES,
    ),
    _tool(
        "codex-role",
        "Direct a role",
        "Ask something of a role, or of all of a run, as soon as it can be done.",
        {
            **_THREAD,
            "action": {
                "type": "string",
                "enum": ["message", "pause", "resume", "stop", "rerun"],
            },
            "text": _text("With `message`: what to say."),
        },
        ("thread", "action"),
        annotations=_WORKS,
    ),
    _tool(
        "codex-usage",
        "Read the account's usage",
        "Ask OpenAI, through Codex, for the limits of its ChatGPT login, and what a thread has "
        "cost. `text` has a line for each thing that is known.",
        _THREAD,
        annotations=_READS,
    ),
    _tool(
        "codex-server",
        "Describe the server",
        "Say which server, Codex and clients these are.",
        {},
        annotations=_READS,
    ),
    _tool(
        "codex-shutdown",
        "Stop the server",
        "End the server and the Codex process behind it.",
        {},
        annotations=_ENDS,
    ),
)
"""What a supervisor can call beside `codex` and `codex-reply`."""

TOOLS: tuple[JsonObject, ...] = (CODEX, CODEX_REPLY)
"""What every client can call."""

ACCEPTED_BY_CODEX: JsonObject = {
    "type": "object",
    "properties": {
        **_OPTIONS,
        "prompt": {"type": "string"},
        "include-plan-tool": {"type": "boolean"},
        "output-schema": {"type": "object"},
    },
    "required": ["prompt"],
    "additionalProperties": False,
}
"""What `codex` takes: also what earlier versions had (`profile`, `include-plan-tool`,
`on-failure`, `untrusted`), which clients still send."""
