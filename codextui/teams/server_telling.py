"""A run's rows on the shared server: published, and asked on behalf of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from codextui.errors import ThreadUnknown
from codextui.teams.budget import Budget
from codextui.teams.ending import Ending
from codextui.teams.happening import Happening, Kind
from codextui.teams.items import plain
from codextui.teams.link import ServerLink
from codextui.teams.people import Ask
from codextui.teams.publisher import Publisher, role_thread
from codextui.teams.run_plan import RunPlan
from codextui.teams.run_store import RunStore
from codextui.teams.run_telling import RunTelling
from codextui.teams.spans import SpanFile, cut_off, read_spans
from codextui.wire import event as ev
from codextui.wire import fields
from codextui.wire.event_json import parse_event
from codextui.wire.fields import JsonObject
from codextui.wire.run import Span


@asynccontextmanager
async def telling_server(
    plan: RunPlan,
    store: RunStore,
    link: ServerLink,
    budget: Budget,
    tell: Callable[[Happening], None],
) -> AsyncIterator[tuple[RunTelling, Publisher]]:
    """Tell the server of a run for as long as it goes on; at the end it has heard all of it.

    Args:
        plan: what is run.
        store: where the run is kept.
        link: the way to the server.
        budget: what it costs.
        tell: is told once where the server does not take it. The run goes on.
    """

    def complain(trouble: str) -> None:
        tell(Happening(Kind.TROUBLE, "", trouble))

    names = plan.team.roles
    known = {name: await known_items(link, role_thread(store.run_id, name)) for name in names}
    old = read_spans(store.folder)
    file = SpanFile(store.folder, complain)
    async with Publisher(link, store.run_id, on_trouble=complain) as publisher:
        telling = RunTelling(
            plan.team,
            plan.project,
            plan.task,
            store=store,
            budget=budget,
            tell=publisher.tell,
            keep_span=file.write,
            known=known,
        )
        telling.begin()
        try:
            _tell_old_spans(telling, old)
            yield telling, publisher
        except asyncio.CancelledError:
            await telling.finish(Ending.PERSON, "it was interrupted")
            raise
        except Exception as error:
            await telling.finish(Ending.FAILED, str(error))
            raise


def _tell_old_spans(telling: RunTelling, old: tuple[Span, ...]) -> None:
    """Tell, to a server that may be a new one, what time went into before."""
    for span in cut_off(old):
        telling.tell_span(span)
    for span in old:
        if span.ended_at is not None:
            telling.row.tell(ev.SpanChanged(span))


async def known_items(link: ServerLink, thread_id: str) -> frozenset[str]:
    """The ids of the items of a row that were completed, as far as the server knows."""
    if thread_id not in link.threads:
        return frozenset()
    try:
        answer = await link.call("codex-read", {"thread": thread_id})
        events = [parse_event(event) for event in fields.objects(answer, "events")]
    except ThreadUnknown:
        return frozenset()
    done = [event.msg.item for event in events if isinstance(event.msg, ev.ItemCompleted)]
    return frozenset(str(item.get("id")) for item in done)


def asking(link: ServerLink, publisher: Publisher) -> Ask:
    """Asks on behalf of a run's roles, once the server knows of them."""

    async def ask(role: str, kind: str, asked: JsonObject) -> JsonObject:
        await publisher.flush()
        thread = role_thread(publisher.run_id, role)
        given = {"thread": thread, "kind": kind, "asked": plain(asked)}
        return await link.call("codex-ask", given)

    return ask
