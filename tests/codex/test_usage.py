"""What an account has used, read by the schema of Codex 0.171.0."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.codex.usage import (
    AccountUsage,
    LimitWindow,
    ThreadCost,
    parse_account_usage,
    parse_limits,
)
from codextui.errors import MessageInvalid
from codextui.jsonrpc.fields import Json, JsonObject

NOW = 1_780_000_000
FIVE_HOURS = {"usedPercent": 40, "windowDurationMins": 300, "resetsAt": NOW + 8040}
WEEK = {"usedPercent": 12, "windowDurationMins": 10080, "resetsAt": None}
SUMMARY = {
    "lifetimeTokens": 12_300_000,
    "peakDailyTokens": 900_000,
    "currentStreakDays": 3,
    "longestStreakDays": 9,
    "longestRunningTurnSec": 4000,
}
GROUP = {
    "model": "gpt-5.5",
    "reasoningEffort": "high",
    "speed": None,
    "inputTokens": 1000,
    "cachedInputTokens": 500,
    "netNewInputTokens": 500,
    "outputTokens": 100,
    "totalTokens": 1100,
    "estimatedUsageCreditsMicros": 2_500_000,
}


def thread_usage(**changes: Json) -> dict[str, Json]:
    usage: dict[str, Json] = {
        "threadId": "t",
        "groups": [GROUP],
        "estimatedUsageCreditsMicros": 2_500_000,
        "estimatedUsageUsdMicros": None,
        "nativeUsageUsdMicros": None,
    }
    return {**usage, **changes}


@pytest.mark.parametrize(
    ("result", "usage", "lines"),
    [
        ({"summary": {}}, AccountUsage(), []),
        ({"summary": {"lifetimeTokens": None}, "dailyUsageBuckets": None}, AccountUsage(), []),
        (
            {
                "summary": SUMMARY,
                "dailyUsageBuckets": [{"startDate": "2026-11-28", "tokens": 5}],
                "threadUsage": None,
            },
            AccountUsage(12_300_000),
            ["the account: 12.3M tokens"],
        ),
        (
            {"summary": {}, "threadUsage": thread_usage(nativeUsageUsdMicros=1_234_567)},
            AccountUsage(None, ThreadCost(1.234567, None, 2.5)),
            ["this thread: 1.23 USD"],
        ),
        (
            {"summary": {}, "threadUsage": thread_usage(estimatedUsageUsdMicros=10_000)},
            AccountUsage(None, ThreadCost(None, 0.01, 2.5)),
            ["this thread: about 0.01 USD"],
        ),
        (
            {"summary": {}, "threadUsage": thread_usage()},
            AccountUsage(None, ThreadCost(None, None, 2.5)),
            ["this thread: 2.50 credits"],
        ),
    ],
)
def test_usage_is_read_and_described(
    result: JsonObject, usage: AccountUsage, lines: list[str]
) -> None:
    assert parse_account_usage(result) == usage
    assert list(usage.describe()) == lines


@pytest.mark.parametrize(
    ("result", "windows"),
    [
        ({}, ()),
        ({"rateLimits": {"primary": None, "secondary": None}}, ()),
        (
            {"rateLimits": {"primary": FIVE_HOURS, "secondary": WEEK, "planType": "plus"}},
            (LimitWindow("", 40, 300, NOW + 8040), LimitWindow("", 12, 10080)),
        ),
        (
            {
                "rateLimits": {"primary": FIVE_HOURS},
                "rateLimitsByLimitId": {
                    "codex": {"limitId": "codex", "primary": FIVE_HOURS},
                    "other": {"limitName": "GPT-6", "secondary": {"usedPercent": 3}},
                },
            },
            (LimitWindow("", 40, 300, NOW + 8040), LimitWindow("GPT-6", 3)),
        ),
    ],
)
def test_limits_are_read(result: JsonObject, windows: tuple[LimitWindow, ...]) -> None:
    assert parse_limits(result) == windows


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (LimitWindow("", 40, 300, NOW + 8040), "5h limit 40% used, again in 2h 14m"),
        (LimitWindow("", 12, 10080, None), "7d limit 12% used"),
        (LimitWindow("GPT-6", 100, 0, NOW - 5), "GPT-6 limit 100% used"),
    ],
)
def test_a_limit_is_described(window: LimitWindow, words: str) -> None:
    assert window.describe(NOW) == words


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
KEYS = st.sampled_from(
    ["summary", "threadUsage", "rateLimits", "rateLimitsByLimitId", "primary", "usedPercent"]
)


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, JSON) | JSON))
def test_other_shapes_are_read_or_invalid_and_nothing_else(result: dict[str, Json]) -> None:
    for parse in (parse_account_usage, parse_limits):
        with contextlib.suppress(MessageInvalid):
            parse(result)
