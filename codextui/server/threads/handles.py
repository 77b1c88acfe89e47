"""What threads are called: handles that are taken, and the thread that somebody's name means."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from codextui.errors import ServerRefused, ThreadUnknown
from codextui.protocol.runs import RUN_PREFIX, ThreadKind
from codextui.protocol.threads import (
    ThreadState,
    clean_handle,
    handle_problem,
    handle_with_suffix,
    normalize_handle,
)

if TYPE_CHECKING:
    from codextui.server.threads.registry import ThreadRecord

MIN_ID_PREFIX = 6
"""Characters of a thread id that are enough to name it, where they name only one."""

_LISTED = 5
_OVER = (ThreadState.DONE, ThreadState.FAILED, ThreadState.KILLED)


class Handles:
    """The handles of the threads.

    The handle of a killed thread, and of a role whose run is over, is free for others; that of a
    run is not, so that each run of a team keeps a name of its own.

    Args:
        records: the threads by id, which change.
    """

    def __init__(self, records: Mapping[str, ThreadRecord]) -> None:
        self._records = records
        self._claimed: set[str] = set()

    def find(self, name: str) -> ThreadRecord:
        """Return the thread with that id, handle, role's name or unique beginning of an id.

        A role is also named `RUN/ROLE`, with the id or handle of its run. Of several that have a
        name, the one that is not over is meant. The ids of runs and roles may be given without
        their common prefix.

        Raises:
            ThreadUnknown: none fits.
            ServerRefused: several fit; the message names them.
        """
        record = self._records.get(name)
        if record is not None:
            return record
        name = normalize_handle(name)
        record = (
            self._find_live(name)
            or self._find_over(name)
            or self._records.get(RUN_PREFIX + name)
            or self._find_role(name)
            or self._find_by_prefix(name)
        )
        if record is None:
            raise ThreadUnknown(f"no thread has the id or handle {name!r}")
        return record

    def unique(self, wanted: str, *, of: ThreadRecord | None = None) -> str:
        """Return the wanted handle, or the next one that is free: `backend-2`.

        One that was not asked for in these words, such as a thread's name, may be any text.

        Args:
            wanted: what it should be.
            of: the thread that is to have it, and may have it already.
        """
        taken = self._taken(of)
        clean = clean_handle(wanted)
        if not clean:
            return next(h for n in itertools.count(1) if (h := f"codex-{n}") not in taken)
        candidates = itertools.chain(
            [clean], (handle_with_suffix(clean, f"-{n}") for n in itertools.count(2))
        )
        return next(handle for handle in candidates if handle not in taken)

    def check_free(self, wanted: str, *, of: ThreadRecord | None = None) -> None:
        """Check that a handle that somebody asked for is free.

        Raises:
            ServerRefused: another thread has it; the message says which.
        """
        for record in self._holders(of):
            if record.info.handle == wanted:
                raise ServerRefused(
                    f"handle: {wanted!r} is taken by {_describe(record)}: choose another one, or "
                    f"rename that thread first"
                )
        if wanted in self._claimed:
            raise ServerRefused(f"handle: {wanted!r} is taken by a thread that is being started")

    @contextmanager
    def claimed(self, wanted: str) -> Iterator[None]:
        """Keep a handle for a thread that is being made; an empty one is any.

        Raises:
            ServerRefused: it is taken.
        """
        if not wanted:
            yield
            return
        self.check_free(wanted)
        self._claimed.add(wanted)
        try:
            yield
        finally:
            self._claimed.discard(wanted)

    def is_over(self, record: ThreadRecord) -> bool:
        """Return whether a thread was killed, or is of a run that ended or has lost its program."""
        if record.info.state is ThreadState.KILLED:
            return True
        if record.is_codex_thread:
            return False
        run = self._records.get(run_id_of(record))
        return run is None or run.program_info is None or run.info.state in _OVER

    def _find_live(self, name: str) -> ThreadRecord | None:
        """Return what is not over and has a handle, or is a role of that name."""
        live = [record for record in self._records.values() if not self.is_over(record)]
        for record in live:
            if record.info.handle == name and record.info.kind is not ThreadKind.ROLE:
                return record
        roles = [
            record
            for record in live
            if record.info.kind is ThreadKind.ROLE
            and name in (record.info.handle, role_name_of(record))
        ]
        if len(roles) > 1:
            names = _join([self._qualified(record) for record in roles])
            raise ServerRefused(f"{name!r} is a role of {len(roles)} runs: say {names}")
        return roles[0] if roles else None

    def _find_over(self, name: str) -> ThreadRecord | None:
        """Return the newest thread that is over and has a handle."""
        named = [record for record in self._records.values() if record.info.handle == name]
        return named[-1] if named else None

    def _find_role(self, name: str) -> ThreadRecord | None:
        run_name, slash, role = name.partition("/")
        if not slash or not run_name:
            return None
        run = self.find(run_name)
        return self._records.get(f"{run.thread_id}/{role}")

    def _find_by_prefix(self, name: str) -> ThreadRecord | None:
        if len(name) < MIN_ID_PREFIX:
            return None
        found = [record for record in self._records.values() if _begins(record, name)]
        if len(found) > 1:
            names = _join([f"{one.thread_id} ({one.info.handle})" for one in found])
            said = f"{name!r} is the beginning of {len(found)} thread ids"
            raise ServerRefused(f"{said}: add more, or say {names}")
        return found[0] if found else None

    def _qualified(self, role: ThreadRecord) -> str:
        """Return the name by which only this role is meant."""
        run = self._records.get(run_id_of(role))
        return f"{role.thread_id if run is None else run.info.handle}/{role_name_of(role)}"

    def _holders(self, of: ThreadRecord | None) -> Iterator[ThreadRecord]:
        """Yield the threads whose handles nobody else can have, except one."""
        for record in self._records.values():
            keeps = record.info.kind is ThreadKind.RUN or not self.is_over(record)
            if record is not of and keeps and record.info.state is not ThreadState.KILLED:
                yield record

    def _taken(self, of: ThreadRecord | None) -> set[str]:
        return self._claimed | {record.info.handle for record in self._holders(of)}


def checked_handle(wanted: str) -> str:
    """Return a handle that somebody asked for. Raises ServerRefused where it can be none."""
    if problem := handle_problem(wanted):
        raise ServerRefused(f"handle: {problem}")
    return normalize_handle(wanted)


def run_id_of(record: ThreadRecord) -> str:
    """Return the id of the run that a role, or a run's own thread, belongs to."""
    return record.thread_id.partition("/")[0]


def role_name_of(record: ThreadRecord) -> str:
    """Return a role's name in its team; empty for what is no role."""
    return record.thread_id.partition("/")[2]


def _begins(record: ThreadRecord, beginning: str) -> bool:
    if record.info.kind is ThreadKind.RUN:
        short = record.thread_id.removeprefix(RUN_PREFIX)
        return short.startswith(beginning) or record.thread_id.startswith(beginning)
    return record.is_codex_thread and record.thread_id.startswith(beginning)


def _describe(record: ThreadRecord) -> str:
    info = record.info
    kind = "a thread" if record.is_codex_thread else f"a {info.kind.value}"
    where = f", in {info.cwd}" if info.cwd else ""
    return f"{kind} ({info.thread_id}, {info.state_word}{where})"


def _join(names: Sequence[str]) -> str:
    more = [f"… ({len(names) - _LISTED} more)"] if len(names) > _LISTED else []
    return " or ".join([*names[:_LISTED], *more])
