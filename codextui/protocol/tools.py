"""The tools of the shared server for supervisors, as `tools/list` shows them.

`codextui.protocol.codex_tools` has those of everybody. `thread` is always a thread id, a handle,
RUN/ROLE, or a unique beginning of an id (6 characters and more).
"""

from __future__ import annotations

from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.tool_schemas import (
    CHANGES,
    ENDS,
    OUTPUT_SCHEMA,
    READS,
    SETTLES,
    THREAD_OPTIONS,
    WORKS,
    text_property,
)


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


_THREAD = {
    "thread": text_property("A thread id, a handle, RUN/ROLE, or a unique beginning of an id.")
}

_IMAGES: JsonObject = {
    "images": {
        "type": "array",
        "description": "Absolute paths of PNG, JPEG, GIF or WebP files that go with the prompt.",
        "items": {"type": "string"},
    }
}

_RUN = {"run": text_property("The run's id: `run:` and what follows.")}

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
            "prompt": text_property("What it is to do; without it the thread waits."),
            **_IMAGES,
            "handle": text_property(
                "The short name that people use, such as a role; refused where it is taken."
            ),
            "numbered": {
                "type": "boolean",
                "description": "Number a handle that is taken (`backend-2`) instead.",
            },
            "parent": text_property("The id of the role that it works for; it stands under it."),
            **_BUDGET,
            **THREAD_OPTIONS,
        },
        annotations=WORKS,
    ),
    _tool(
        "codex-send",
        "Say something to a thread",
        "Reply to a thread at rest, or steer the turn that runs; returns at once.",
        {**_THREAD, "prompt": text_property("What to say."), **_IMAGES},
        ("thread", "prompt"),
        annotations=WORKS,
    ),
    _tool(
        "codex-steer",
        "Steer a turn",
        "Say something to the turn that runs.",
        {**_THREAD, "prompt": text_property("What to say."), **_IMAGES},
        ("thread", "prompt"),
        annotations=WORKS,
    ),
    _tool(
        "codex-queue",
        "Queue messages for a thread",
        "Add a message to what a thread gets after the running turn, each as a turn of its own; "
        "list what waits, show one in full, edit, move or remove it, or start the next after an "
        "interrupt. Returns the thread, whose `queued` has the ids in their order, and with `show` "
        "the `message`.",
        {
            **_THREAD,
            "action": {
                "type": "string",
                "enum": ["add", "list", "show", "edit", "move", "remove", "start"],
            },
            "prompt": text_property("With `add` and `edit`: what to say."),
            **_IMAGES,
            "message": text_property(
                "With `show`, `edit`, `move` and `remove`: the id of the queued message."
            ),
            "version": text_property(
                "With `edit`: the message's version, as `show` returned it. An edit of a message "
                "that has changed since is refused."
            ),
            "before": text_property(
                "With `move`: the id of the message that it comes before; left out, it comes last."
            ),
        },
        ("thread", "action"),
        annotations=WORKS,
    ),
    _tool(
        "codex-settings",
        "Change a thread's settings",
        "Change settings of a thread. `now` has those in effect, `next` those that the running "
        "turn does not take any more, and `text` says it in a line.",
        {
            **_THREAD,
            "model": text_property("The model's name."),
            "effort": text_property("The model's reasoning effort, such as low, medium or high."),
            "approval-policy": {"type": "string", "enum": ["untrusted", "on-request", "never"]},
            "sandbox": THREAD_OPTIONS["sandbox"],
            **_BUDGET,
        },
        ("thread",),
        annotations=WORKS,
    ),
    _tool(
        "codex-exec",
        "Run a turn as `codex exec`",
        "Start a turn on a new thread, or on one at rest, and return at once. The turn ends when "
        "this client disconnects. The approval policy is never where none is named.",
        {
            "thread": text_property("The thread to resume; a new one where left out."),
            "prompt": text_property("What it is to do."),
            **_IMAGES,
            "output-schema": OUTPUT_SCHEMA,
            "home": text_property("The CODEX_HOME that it is for; any where left out."),
            "effort": text_property("The reasoning effort, where the thread is loaded already."),
            "add-dirs": {
                "type": "array",
                "description": "Folders that the sandbox may write to beside the working folder.",
                "items": {"type": "string"},
            },
            **THREAD_OPTIONS,
        },
        ("prompt",),
        annotations=WORKS,
    ),
    _tool(
        "codex-review",
        "Review changes",
        "Let Codex review the uncommitted changes of a thread's folder, or what one of `base`, "
        "`commit` and `instructions` names; returns at once. In the thread, which has to be at "
        "rest, or in a new one: with `detached`, or with `cwd` instead of `thread`.",
        {
            **_THREAD,
            "cwd": text_property("The folder to review, in a new thread; absolute."),
            "detached": {"type": "boolean", "description": "Review in a new thread."},
            "base": text_property("A branch: what differs from it."),
            "commit": text_property("A commit: what it changes."),
            "instructions": text_property("What to review, in words."),
            "handle": text_property("The short name of the new thread; refused where it is taken."),
        },
        annotations=WORKS,
    ),
    _tool(
        "codex-fork",
        "Fork a thread",
        "Make a thread with the past of another, as a whole or through one of its turns.",
        {
            **_THREAD,
            "turn": text_property("The last turn to take over; the whole past where left out."),
            "prompt": text_property("What the fork is to do at once."),
            "handle": text_property("The fork's short name; refused where it is taken."),
        },
        ("thread",),
        annotations=WORKS,
    ),
    _tool(
        "codex-interrupt",
        "Interrupt a turn",
        "End the running turn and every process that its commands left.",
        _THREAD,
        ("thread",),
        annotations=ENDS,
    ),
    _tool(
        "codex-kill",
        "Kill a thread",
        "End a thread for good: its turn, its processes, its approvals; then archive it.",
        _THREAD,
        ("thread",),
        annotations=ENDS,
    ),
    _tool(
        "codex-resume",
        "Resume a thread",
        "Bring a thread back: one that was killed, or any of Codex's own history.",
        _THREAD,
        ("thread",),
        annotations=SETTLES,
    ),
    _tool(
        "codex-adopt",
        "Take a thread over",
        "Make a thread that another program started one of this server's own: one on the same "
        "Codex, or one of Codex's history that no other process has loaded.",
        _THREAD,
        ("thread",),
        annotations=SETTLES,
    ),
    _tool(
        "codex-rename",
        "Rename a thread",
        "Give a thread another handle, and that name in Codex; one of Codex's history that is not "
        "open gets the name, and the result has `thread_id` and `name` in place of `thread`.",
        {**_THREAD, "handle": text_property("The new handle; refused where it is taken.")},
        ("thread", "handle"),
        annotations=SETTLES,
    ),
    _tool(
        "codex-follow",
        "Follow a thread of another program",
        "Get the events of a thread that another program has open on the same Codex, or no more. "
        "Ends with the client. Threads of this server are always followed.",
        {**_THREAD, "follow": {"type": "boolean", "description": "Whether to get its events."}},
        ("thread", "follow"),
        annotations=SETTLES,
    ),
    _tool(
        "codex-history",
        "List Codex's history",
        "List the threads that Codex has on disk, the newest first, whoever started them.",
        {
            "search": text_property("Text that the threads have."),
            "archived": {"type": "boolean", "description": "The archived ones instead."},
            "cursor": text_property("Where the page begins, as the page before says."),
            "limit": {"type": "integer", "minimum": 1, "maximum": 200},
        },
        annotations=READS,
    ),
    _tool(
        "codex-archive",
        "Archive a thread",
        "Take a thread at rest out of Codex's lists, or bring it back.",
        {**_THREAD, "archived": {"type": "boolean", "description": "Whether it is archived."}},
        ("thread", "archived"),
        annotations=SETTLES,
    ),
    _tool(
        "codex-threads",
        "List threads",
        "List the threads of this server.",
        {
            "all": {"type": "boolean", "description": "Also those that were killed."},
            "thread": text_property(
                "Only this one, also a killed one: an id, a handle or a beginning."
            ),
        },
        annotations=READS,
    ),
    _tool(
        "codex-read",
        "Read a thread",
        "Read all that happened on a thread.",
        _THREAD,
        ("thread",),
        annotations=READS,
    ),
    _tool(
        "codex-changes",
        "Compare a thread's folder with git's commit",
        "Compare the git repository of a thread's folder, as it is on the server's disk, with the "
        "commit that is checked out: a unified diff, where files that git does not know are new. "
        "Nothing that the repository configures is run.",
        {
            **_THREAD,
            "against": text_property(
                "A thread that works in another worktree of the repository: compare with the "
                "commit where both parted."
            ),
        },
        ("thread",),
        annotations=READS,
    ),
    _tool(
        "codex-search",
        "Search what was said and done",
        "Search the items of all threads of this server, killed ones too, the newest first. Text "
        "is found in any case, within a line. A page may have few matches or none: `cursor` says "
        "whether more of the journal is left.",
        {
            "text": {**text_property("The text."), "minLength": 1, "maxLength": 200},
            "thread": text_property("Only this thread: an id, a handle or a beginning."),
            "cursor": text_property("Where the page begins, as the page before says."),
            "limit": {"type": "integer", "minimum": 1, "maximum": 200},
        },
        ("text",),
        annotations=READS,
    ),
    _tool(
        "codex-approvals",
        "List approvals",
        "List what waits for a decision.",
        {},
        annotations=READS,
    ),
    _tool(
        "codex-decisions",
        "List decisions",
        "List what was decided, newest first: who, what, where, how long it waited. From the audit "
        "log, so also of earlier servers.",
        {
            "filter": text_property(
                "Words, and `outcome:declined`, `by:NAME`, `where:timeout`, `kind:command`, "
                "`role:NAME`, `thread:ID`; all have to hold."
            ),
            "approval": text_property("Only this one, with all that was asked."),
            "cursor": text_property("Where the page begins, as the page before says."),
            "limit": {"type": "integer", "minimum": 1, "maximum": 200},
        },
        annotations=READS,
    ),
    _tool(
        "codex-answer",
        "Decide an approval",
        "Decide an approval; the first decision counts.",
        {
            "approval": text_property("The approval's id."),
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
            "message": text_property("With `denied`: what the agent is told."),
            "answers": {
                "type": "object",
                "description": "With `answered`: the answers by question, or a form's content.",
            },
        },
        ("approval", "decision"),
        annotations=WORKS,
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
        annotations=CHANGES,
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
        annotations=CHANGES,
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
            "text": text_property("With `message`: what to say."),
        },
        ("thread", "action"),
        annotations=WORKS,
    ),
    _tool(
        "codex-usage",
        "Read the account's usage",
        "Ask OpenAI, through Codex, for the limits of its ChatGPT login, and what a thread has "
        "cost. `text` has a line for each thing that is known.",
        _THREAD,
        annotations=READS,
    ),
    _tool(
        "codex-server",
        "Describe the server",
        "Say which server, Codex and clients these are.",
        {},
        annotations=READS,
    ),
    _tool(
        "codex-listen",
        "Listen for HTTP clients",
        "Listen for HTTP clients, too, on an address of this machine, from now on until the server "
        "ends, which it then does not when idle. It listens on one address. Returns the `http` URL "
        "and the server's `pid`; `added` is false where it listened there before. Not by HTTP.",
        {
            "address": text_property("HOST:PORT, such as 127.0.0.1:8040."),
            "anywhere": {
                "type": "boolean",
                "description": "Whether it may be an address that other machines can reach.",
            },
        },
        ("address",),
        annotations=SETTLES,
    ),
    _tool(
        "codex-shutdown",
        "Stop the server",
        "End the server and the Codex process behind it.",
        {
            "unused": {
                "type": "boolean",
                "description": "Only if no other client is connected and nothing runs.",
            }
        },
        annotations=ENDS,
    ),
)
"""What a supervisor can call beside `codex` and `codex-reply`."""
