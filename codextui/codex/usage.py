"""What an account of OpenAI's has used, by Codex: limits, tokens, and the money of a thread.

Written for the schema of 0.171.0; no answer of a real login was seen. Codex asks OpenAI for every
call, so none is made that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from codextui.codex.app_server import AppServer
from codextui.errors import CodexFailed, CodexLoginMissing
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.text.figures import format_elapsed, format_tokens

MICROS = 1_000_000
"""Parts of a dollar, and of a credit, in which Codex counts."""

_NO_ACCOUNT = "authentication required"


@dataclass(frozen=True, slots=True)
class LimitWindow:
    """A limit of an account over a time.

    Attributes:
        name: Codex's name of the limit, empty for the usual one.
        used_percent: how much of it is used.
        minutes: how long the window is, 0 where unknown.
        resets_at: unix seconds when it begins again, None where unknown.
    """

    name: str
    used_percent: int
    minutes: int = 0
    resets_at: int | None = None

    def describe(self, now: float) -> str:
        """Return it as `5h limit 40% used, again in 2h 14m`; `now` is in unix seconds."""
        length = format_elapsed(self.minutes * 60) if self.minutes else ""
        words = " ".join(word for word in (self.name, _short(length), "limit") if word)
        again = ""
        if self.resets_at is not None and self.resets_at > now:
            again = f", again in {format_elapsed(self.resets_at - now)}"
        return f"{words} {self.used_percent}% used{again}"


@dataclass(frozen=True, slots=True)
class ThreadCost:
    """What a thread has cost.

    Attributes:
        usd: dollars that were charged, None where Codex does not give them.
        estimated_usd: dollars that it is worth, None where unknown.
        credits: credits that it is worth.
    """

    usd: float | None
    estimated_usd: float | None
    credits: float

    def describe(self) -> str:
        """Return the money, or what it is worth."""
        if self.usd is not None:
            return f"{self.usd:.2f} USD"
        worth = f"{self.credits:.2f} credits"
        return worth if self.estimated_usd is None else f"about {self.estimated_usd:.2f} USD"


@dataclass(frozen=True, slots=True)
class AccountUsage:
    """What an account, and maybe a thread, has used.

    Attributes:
        lifetime_tokens: all tokens of the account, None where unknown.
        thread: what the thread has cost, None where Codex does not say.
    """

    lifetime_tokens: int | None = None
    thread: ThreadCost | None = None

    def describe(self) -> Iterator[str]:
        """Yield a line for each thing that is known."""
        if self.thread is not None:
            yield f"this thread: {self.thread.describe()}"
        if self.lifetime_tokens is not None:
            yield f"the account: {format_tokens(self.lifetime_tokens)} tokens"


async def read_account_usage(app: AppServer, thread_id: str = "") -> AccountUsage:
    """Return what the account has used, and a thread if one is given (`account/usage/read`).

    Raises:
        CodexLoginMissing: Codex has no ChatGPT login.
    """
    params: dict[str, Json] = {"threadId": thread_id} if thread_id else {}
    with _typed_refusals():
        return parse_account_usage(await app.call("account/usage/read", params))


async def read_limits(app: AppServer) -> tuple[LimitWindow, ...]:
    """Return the limits of the account (`account/rateLimits/read`). Raises CodexLoginMissing."""
    with _typed_refusals():
        return parse_limits(await app.call("account/rateLimits/read", {}))


def parse_account_usage(result: JsonObject) -> AccountUsage:
    """Read a `GetAccountTokenUsageResponse`. Raises MessageInvalid."""
    summary = fields.as_object(result.get("summary") or {}, "summary")
    source = result.get("threadUsage")
    thread = None
    if source is not None:
        usage = fields.as_object(source, "threadUsage")
        thread = ThreadCost(
            _micros(usage, "nativeUsageUsdMicros"),
            _micros(usage, "estimatedUsageUsdMicros"),
            _micros(usage, "estimatedUsageCreditsMicros") or 0.0,
        )
    return AccountUsage(fields.maybe_integer(summary, "lifetimeTokens"), thread)


def parse_limits(result: JsonObject) -> tuple[LimitWindow, ...]:
    """Read a `GetAccountRateLimitsResponse`. Raises MessageInvalid."""
    by_id = fields.as_object(result.get("rateLimitsByLimitId") or {}, "rateLimitsByLimitId")
    snapshots = list(by_id.values()) or [result.get("rateLimits") or {}]
    return tuple(
        window
        for snapshot in snapshots
        for window in _windows(fields.as_object(snapshot, "rateLimits"))
    )


def _windows(snapshot: JsonObject) -> Iterator[LimitWindow]:
    name = fields.text_or(snapshot, "limitName")
    for key in ("primary", "secondary"):
        if snapshot.get(key) is not None:
            window = fields.as_object(snapshot[key], key)
            yield LimitWindow(
                name,
                fields.integer_or(window, "usedPercent"),
                fields.maybe_integer(window, "windowDurationMins") or 0,
                fields.maybe_integer(window, "resetsAt"),
            )


def _micros(source: JsonObject, key: str) -> float | None:
    value = fields.maybe_integer(source, key)
    return None if value is None else value / MICROS


def _short(length: str) -> str:
    """Return a length without what is zero: `5h` for `5h 00m`."""
    return " ".join(part for part in length.split() if part.strip("0hmsd"))


@contextmanager
def _typed_refusals() -> Iterator[None]:
    try:
        yield
    except CodexFailed as error:
        if _NO_ACCOUNT in str(error):
            raise CodexLoginMissing(
                "Codex has no ChatGPT login, so there is no usage to read. Type: codextui login"
            ) from error
        if "unknown variant" in str(error):
            raise CodexFailed("this Codex does not tell usage", code=error.code) from error
        raise
