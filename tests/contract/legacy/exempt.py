"""The intended differences from the genuine server, each with its reason.

A row that is not found where it must be fails the test, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from compare import Difference


@dataclass(frozen=True, slots=True)
class Exempt:
    """An intended difference.

    Attributes:
        where: pattern of the whole `Difference.where`.
        reason: why it differs.
        seen_in: the scenarios in which it must be found.
        anywhere: whether it may be found in others, too.
    """

    where: str
    reason: str
    seen_in: tuple[str, ...]
    anywhere: bool = field(default=False, kw_only=True)

    def fits(self, scenario: str, difference: Difference) -> bool:
        allowed = self.anywhere or scenario in self.seen_in
        return allowed and re.fullmatch(self.where, difference.where) is not None


NO_REASON = "app-server's decline takes no reason: the model reads it in a message of its own"
APPROVED_NOW = "its fault: a plain accept did not approve"
FAULT_OF_ABORTS = "its fault: a call whose turn was aborted got no answer"
FAULT_OF_ERRORS = "its fault: an error answered the call, and the next one got the turn's end"
RAW = "raw items are as the newer Codex keeps them"

VERSIONS = (
    Exempt(
        r"raw_response_item \w+: params\.msg\.item\.(status|content\[0\]\.annotations)",
        RAW,
        ("plain-turn",),
        anywhere=True,
    ),
    Exempt(
        r"token_count: params\.msg\.rate_limits\.normal_model_slug",
        "a limit's member that is newer",
        ("plain-turn",),
        anywhere=True,
    ),
    Exempt("more: warning", "a newer Codex warns of a model that it does not know", ("options",)),
    Exempt(
        r"(error: params\.msg\.message|answer to 2: .*|stream_error: .*additional_details)",
        "a newer Codex does not name the address that it called",
        ("model-hangs-up", "model-answers-at-the-second-try"),
    ),
)
"""What newer versions of Codex do otherwise, with any server."""

NEWEST = (
    Exempt(
        r"raw_response_item .*\.content_item_(kinds|metadata)(\[\d+\])?(\..*)?",
        RAW,
        ("plain-turn",),
        anywhere=True,
    ),
    Exempt(
        r"raw_response_item function_call_output: params\.msg\.item\.output\[0\]\.detail",
        RAW,
        ("image",),
    ),
    Exempt(
        "less: turn_diff",
        "a newer Codex sends a turn's diff once after a patch; it sent the same one twice",
        ("patch", "patch-approved"),
    ),
)
"""What only versions after 0.163 do otherwise."""

NOT_TOLD = (
    Exempt(
        r"task_started: params\.msg\.model_context_window",
        "app-server sends it with the first token count",
        ("plain-turn",),
        anywhere=True,
    ),
    Exempt(
        r"task_complete: params\.msg\.time_to_first_token_ms",
        "app-server does not send it",
        ("plain-turn",),
        anywhere=True,
    ),
    Exempt(
        r"(item_started CommandExecution: params\.msg\.item|exec_command_begin: params\.msg)"
        r"\.(process_id|source)",
        "app-server sends it for an approved command only when that has ended",
        ("command-approved", "command-approved-for-session", "command-approved-by-amendment"),
        anywhere=True,
    ),
    Exempt(
        r"(item_completed FileChange: params\.msg\.item|patch_apply_end: params\.msg)\.stdout",
        "app-server does not send the output of apply_patch",
        ("patch", "patch-approved"),
    ),
    Exempt(
        "less: token_count",
        "app-server sends the limits of an account to no thread",
        ("cancelled-while-it-speaks", "model-breaks-off"),
    ),
)
"""What app-server does not send, or too late."""

DECISIONS = (
    Exempt(
        r"raw_response_item (function|custom_tool)_call_output: params\.msg\.item\.output",
        NO_REASON,
        ("command-denied", "patch-denied", "two-commands-asked-about"),
    ),
    Exempt(
        r"more: (raw_response_item message|item_started UserMessage|item_completed UserMessage|"
        r"user_message)",
        NO_REASON,
        ("command-denied", "patch-denied"),
    ),
    Exempt(
        r"(item_completed FileChange: params\.msg\.item|patch_apply_end: params\.msg)\.stderr",
        NO_REASON,
        ("patch-denied",),
    ),
    Exempt(
        r"raw_response_item function_call_output: params\.msg\.item\.output",
        "it is a denial by the user now, rather than a failed request",
        ("command-denied-without-a-reason", "command-declined-plainly"),
    ),
    Exempt(
        "more: (item_started CommandExecution|exec_command_begin|exec_command_end|"
        r"item_completed CommandExecution)|raw_response_item function_call_output: .*",
        APPROVED_NOW,
        ("command-accepted-plainly",),
    ),
    Exempt(
        "less: (item_started CommandExecution|exec_command_begin|exec_command_end|"
        r"item_completed CommandExecution)|raw_response_item function_call_output: .*",
        "its fault: an answer that declined could approve",
        ("command-declined-with-an-approval",),
    ),
    Exempt(
        "(more|less): .*|[^:]*: .*",
        "a plain cancel aborts the turn instead of failing the request",
        ("command-cancelled-plainly",),
    ),
)
"""What follows from an answer to an elicitation."""

FAULTS = (
    Exempt("unanswered|more: answer to 2", FAULT_OF_ABORTS, ("command-aborted", "patch-aborted")),
    Exempt(
        "unanswered|more: .*",
        "its fault: an error for an answer made the thread hang",
        ("command-refused-by-an-error",),
    ),
    Exempt(
        "unanswered",
        "its fault: the first of two calls got no answer",
        ("second-reply-to-a-running-thread",),
    ),
    Exempt(
        r"more: .*|task_complete: .*|answer to 3: .*",
        FAULT_OF_ERRORS,
        ("model-refuses",),
    ),
    Exempt("more: task_complete", FAULT_OF_ERRORS, ("model-breaks-off", "model-hangs-up")),
    Exempt(
        "less: elicitation/create",
        "its fault: it asked a client without the capability",
        ("command-of-a-client-that-cannot-be-asked",),
    ),
)
"""Faults of the genuine server."""

TOGETHER = (
    Exempt(
        "(more|less): .*|[^:]*: .*",
        "which of two calls got an event was chance; here it is the client's oldest open call. And "
        "a newer Codex cuts off its message when it is steered",
        ("second-reply-to-a-running-thread",),
    ),
)
"""What two calls on one thread do otherwise."""

OF_OURS = (*NOT_TOLD, *DECISIONS, *FAULTS, *TOGETHER)
"""All differences that do not depend on the version of Codex."""


def unexplained(
    scenario: str, found: list[Difference], exempt: tuple[Exempt, ...]
) -> list[Difference]:
    """Return the differences without a row."""
    return [one for one in found if not any(row.fits(scenario, one) for row in exempt)]


def unseen(scenario: str, found: list[Difference], exempt: tuple[Exempt, ...]) -> list[Exempt]:
    """Return the rows that this scenario must show and did not."""
    return [
        row
        for row in exempt
        if scenario in row.seen_in and not any(row.fits(scenario, one) for one in found)
    ]


WORDING = "our own message for an error of the caller, and its kind for our own clients"

OF_THE_SERVER = (
    Exempt(
        r"answer to \d+: result\.content\[1\]",
        "a block that names the thread to models that are shown only `content`",
        ("plain-turn", "reply"),
        anywhere=True,
    ),
    Exempt(
        "answer to 1: result.instructions",
        "it says how a thread is continued and stopped",
        ("handshake",),
        anywhere=True,
    ),
    Exempt(
        r"answer to 2: result\.tools\[\d\]\.annotations",
        "hints for clients that ask people before they call a tool",
        ("handshake",),
    ),
    Exempt(
        r"answer to 2: result\.tools\[\d\]\.inputSchema\.properties\.output-schema",
        "an argument more",
        ("handshake",),
    ),
    Exempt(
        r"answer to 1: result\.(serverInfo\..*|capabilities\.tools\.listChanged)",
        "it says who it is, for logs and reports of faults: no client is known that looks for "
        "the old name, whose version was Codex's. And it promises no changes of a list that, as "
        "the old one, never changes",
        ("handshake",),
        anywhere=True,
    ),
    Exempt(
        r"answer to \d+: (result\.content\[0\]\.text|result\.structuredContent(\..*)?|error\..*)",
        WORDING,
        ("bad-arguments", "unknown-threads"),
    ),
    Exempt(
        r"elicitation/create: params\.(message|requestedSchema\..*|_meta)",
        "a message that shows all of it below the genuine one, a form that any client can fill "
        "in, and the whole approval for our own clients",
        ("command-approved", "patch-approved"),
        anywhere=True,
    ),
    Exempt(
        r"answer to 2: result\.(isError|content\[0\]\.text|structuredContent\.(content|error))",
        "the answer of an aborted or failed turn says so after the model's last message",
        ("command-cancelled-plainly", "model-breaks-off", "model-hangs-up"),
    ),
)
"""What the shared server does otherwise, with any version of Codex."""

STOPPED = (
    Exempt(
        r"answer to 2: result\.(content\[0\]\.text|structuredContent\.(content|error))",
        "the answer of a failed turn says so",
        ("model-refuses",),
    ),
)
"""What the shared server answers otherwise to clients that wait for events."""

OF_ONE_CLIENT = (
    Exempt(
        "unanswered|more: .*",
        "its fault: the thread hung; here what nobody can answer is declined",
        ("command-of-a-client-that-cannot-be-asked",),
    ),
    Exempt(
        "more: notifications/cancelled",
        "a resolved elicitation is withdrawn",
        ("cancelled-while-it-asks",),
    ),
)
"""What a private server does otherwise."""

OF_KILLED_COMMANDS = (
    Exempt(
        "more: (item_completed CommandExecution|exec_command_end)",
        "its fault: the process of an interrupted command lived on; here its end is sent, if "
        "Codex sends it before the call is answered",
        (),
        anywhere=True,
    ),
)
"""What may be sent about commands that ended with their call."""
