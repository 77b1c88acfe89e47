"""What may differ from the genuine server, and why. Every row is seen where it says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from compare import Difference


@dataclass(frozen=True, slots=True)
class Exempt:
    """A difference that is meant to be.

    Attributes:
        where: fits the whole of `Difference.where`.
        reason: why it differs.
        seen_in: the scenarios in which it must be seen.
        anywhere: whether it may be seen in others too.
    """

    where: str
    reason: str
    seen_in: tuple[str, ...]
    anywhere: bool = field(default=False, kw_only=True)

    def fits(self, scenario: str, difference: Difference) -> bool:
        allowed = self.anywhere or scenario in self.seen_in
        return allowed and re.fullmatch(self.where, difference.where) is not None


NO_REASON = "app-server's decline takes no reason: the model is told it in a message of its own"
APPROVED_NOW = "its fault: a plain accept did not approve"
FAULT_OF_ABORTS = "its fault: a call that was aborted or cancelled got no answer"
FAULT_OF_ERRORS = "its fault: an error answered the call, and the next one heard the turn's end"
RAW = "raw items are as the newer Codex keeps them"
CANCELLED = (
    "cancelled-while-it-speaks",
    "cancelled-while-a-command-runs",
    "cancelled-while-it-asks",
)

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
        "a newer Codex does not tell the address that it asked",
        ("model-hangs-up", "model-answers-at-the-second-try"),
    ),
)
"""What the newer Codex does otherwise, whoever asks it."""

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
)
"""What only a Codex newer than 0.163 does otherwise."""

NOT_TOLD = (
    Exempt(
        r"task_started: params\.msg\.model_context_window",
        "app-server tells it with the first count of tokens",
        ("plain-turn",),
        anywhere=True,
    ),
    Exempt(
        r"task_complete: params\.msg\.time_to_first_token_ms",
        "app-server does not tell it",
        ("plain-turn",),
        anywhere=True,
    ),
    Exempt(
        r"(item_started CommandExecution: params\.msg\.item|exec_command_begin: params\.msg)"
        r"\.(process_id|source)",
        "app-server tells it of a command that was asked about only when it has ended",
        ("command-approved", "command-approved-for-session", "command-approved-by-amendment"),
        anywhere=True,
    ),
    Exempt(
        r"(item_completed FileChange: params\.msg\.item|patch_apply_end: params\.msg)\.stdout",
        "app-server does not tell what apply_patch printed",
        ("patch", "patch-approved"),
    ),
    Exempt(
        "less: token_count",
        "app-server tells no thread of an account's limits",
        ("cancelled-while-it-speaks", "model-breaks-off"),
    ),
)
"""What app-server does not tell, or not in time."""

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
        "a plain cancel aborts the turn, rather than to fail the request",
        ("command-cancelled-plainly",),
    ),
)
"""What becomes of an answer."""

FAULTS = (
    Exempt("unanswered|more: answer to 2", FAULT_OF_ABORTS, ("command-aborted", "patch-aborted")),
    Exempt("unanswered|more: answer to 2", FAULT_OF_ABORTS, CANCELLED),
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
        "its fault: it asked a client that had not said that it could be asked",
        ("command-of-a-client-that-cannot-be-asked",),
    ),
)
"""What the genuine server did wrong."""

TOGETHER = (
    Exempt(
        "(more|less): .*|[^:]*: .*",
        "which of two calls heard an event was chance; here it is the oldest of the client's calls "
        "that are open. And a newer Codex breaks off its message when it is told something",
        ("second-reply-to-a-running-thread",),
    ),
)
"""What becomes of two calls on one thread."""

OF_OURS = (*NOT_TOLD, *DECISIONS, *FAULTS, *TOGETHER)
"""All that differs whatever the version of Codex."""


def unexplained(
    scenario: str, found: list[Difference], exempt: tuple[Exempt, ...]
) -> list[Difference]:
    """The differences for which there is no row."""
    return [one for one in found if not any(row.fits(scenario, one) for row in exempt)]


def unseen(scenario: str, found: list[Difference], exempt: tuple[Exempt, ...]) -> list[Exempt]:
    """The rows that must be seen in this scenario and were not."""
    return [
        row
        for row in exempt
        if scenario in row.seen_in and not any(row.fits(scenario, one) for one in found)
    ]


WORDING = "our own words for a mistake of the caller's, and its kind for our own clients"

OF_THE_SERVER = (
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
        r"elicitation/create: params\.(requestedSchema\..*|_meta)",
        "a form that any client can answer, and the whole approval for our own clients",
        ("command-approved", "patch-approved"),
        anywhere=True,
    ),
    Exempt(
        r"answer to 2: result\.(isError|content\[0\]\.text|structuredContent\.(content|error))",
        "a turn that was stopped or failed says so, after what the model had said",
        ("command-cancelled-plainly", "model-breaks-off", "model-hangs-up"),
    ),
)
"""What the shared server does otherwise, whatever Codex says."""

STOPPED = (
    Exempt(
        r"answer to 2: result\.(content\[0\]\.text|structuredContent\.(content|error))",
        "a turn that failed says so",
        ("model-refuses",),
    ),
)
"""What the shared server says otherwise to those who hear events."""

OF_ONE_CLIENT = (
    Exempt(
        "unanswered|more: .*",
        "its fault: the thread hung; where nobody can ever answer, the answer is no",
        ("command-of-a-client-that-cannot-be-asked",),
    ),
    Exempt(
        "more: notifications/cancelled",
        "a question that is over is withdrawn",
        ("cancelled-while-it-asks",),
    ),
)
"""What a server for one client alone does otherwise."""

OF_KILLED_COMMANDS = (
    Exempt(
        "more: (item_completed CommandExecution|exec_command_end)",
        "its fault: the process of an interrupted command lived on; here its end is told, if "
        "Codex tells it before the call is answered",
        (),
        anywhere=True,
    ),
)
"""What may be told of commands that ended with their call."""
