"""Codex's notifications that tell a console nothing: named one by one, so that a new one shows."""

from __future__ import annotations

_SAID_ELSEWHERE = frozenset(
    {
        # The deltas and the finished items say the same.
        "item/reasoning/summaryPartAdded",
        "rawResponse/completed",
        "rawResponseItem/completed",
        # The terminal echoes what the agent types into it.
        "item/commandExecution/terminalInteraction",
        "item/fileChange/outputDelta",
        "thread/compacted",
        # What comes of these is told when it is over.
        "hook/started",
        "item/autoApprovalReview/started",
        "thread/environment/connected",
    }
)

_ABOUT_THE_ACCOUNT = frozenset(
    {
        "account/updated",
        "account/login/completed",
        "account/gatewayOAuth/changed",
        "model/verification",
        "model/safetyBuffering/updated",
        "turn/moderationMetadata",
    }
)

_ABOUT_OTHER_PROGRAMS = frozenset(
    {
        "app/list/updated",
        "externalAgentConfig/import/completed",
        "externalAgentConfig/import/progress",
        "project/changed",
        "remoteControl/status/changed",
        "skills/changed",
        "thread/attachment/updated",
        "thread/goal/cleared",
        "thread/goal/updated",
        "thread/prediction/updated",
        "thread/project/updated",
        "thread/queue/changed",
        "thread/readState/changed",
        "thread/section/changed",
        "windowsSandbox/setupCompleted",
    }
)

_ANSWERS_TO_CALLS_NEVER_MADE = frozenset(
    {
        "command/exec/outputDelta",
        "fs/changed",
        "fuzzyFileSearch/sessionCompleted",
        "fuzzyFileSearch/sessionUpdated",
        "mcpServer/event/stream/notification",
        "process/exited",
        "process/outputDelta",
        "thread/realtime/closed",
        "thread/realtime/error",
        "thread/realtime/item/completed",
        "thread/realtime/item/started",
        "thread/realtime/item/transcript/delta",
        "thread/realtime/itemAdded",
        "thread/realtime/outputAudio/delta",
        "thread/realtime/sdp",
        "thread/realtime/started",
        "thread/realtime/transcript/delta",
        "thread/realtime/transcript/done",
    }
)

IGNORED: frozenset[str] = (
    _SAID_ELSEWHERE | _ABOUT_THE_ACCOUNT | _ABOUT_OTHER_PROGRAMS | _ANSWERS_TO_CALLS_NEVER_MADE
)
"""The methods that `codextui.codex.translate` drops."""
