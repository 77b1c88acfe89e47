"""Changes the settings of Codex threads, and says what takes effect when."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from codextui.codex.settings import (
    SettingsChange,
    list_models,
    update_thread_settings,
    update_turn_settings,
)
from codextui.errors import CodextuiError, ServerRefused
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.threads.opening import ThreadOpener
from codextui.server.threads.registry import ThreadRecord, ThreadRegistry
from codextui.server.worker import CodexWorker
from codextui.text.figures import format_tokens

_OPENAI = "openai"
"""The id of Codex's own provider, whose models Codex lists."""

_LENT = ("model", "effort", "approval_policy", "sandbox")

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class ChangedSettings:
    """What a change did.

    Attributes:
        record: the thread.
        now: what is in effect, such as `model gpt-5.5`.
        next_turn: what the next turn has, while the running one goes on as it was.
        notes: what else there is to know, as sentences.
    """

    record: ThreadRecord
    now: list[str] = field(default_factory=list)
    next_turn: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """Return all of it in a line."""
        parts = [", ".join(self.now)] if self.now else []
        if self.next_turn:
            parts.append(f"from the next turn: {', '.join(self.next_turn)}")
        return "; ".join([*parts, *self.notes])


@dataclass(frozen=True, slots=True)
class ThreadSettings:
    """Changes settings.

    Attributes:
        registry: finds the threads.
        worker: the Codex process.
        opener: loads a thread.
    """

    registry: ThreadRegistry
    worker: CodexWorker
    opener: ThreadOpener
    _lent: dict[str, tuple[ThreadInfo, int]] = field(default_factory=dict)

    async def change(
        self, thread: str, change: SettingsChange, *, budget: int | None = None
    ) -> ChangedSettings:
        """Change the settings of a thread, at once or from its next turn on.

        Args:
            thread: a thread id, a handle, or a unique beginning of an id.
            change: the settings that Codex has.
            budget: the new token budget; 0 removes it, None leaves it.

        Raises:
            ThreadUnknown: there is no such thread.
            ServerRefused: it is no Codex thread, or nothing is to be changed.
            CodexFailed: Codex refuses a setting; nothing was changed then.
        """
        record = self.registry.find_codex_thread(thread)
        changed = ChangedSettings(record)
        if not change.values() and budget is None:
            raise ServerRefused("nothing to set: model, effort, approval-policy, sandbox or budget")
        if budget is not None and not record.info.ours:
            raise ServerRefused(f"{record.info.handle} is another program's: it has no budget here")
        if any(not value.strip() for value in change.values().values()):
            raise ServerRefused("a setting has no value; leave out what is to stay")
        if change.values():
            async with record.lock:
                await self._change_codex(record, change, changed)
        if budget is not None:
            self.registry.update(record, budget=budget or None)
            changed.now.append(f"budget {format_tokens(budget)} tokens" if budget else "no budget")
        return changed

    def lend(self, before: ThreadInfo) -> None:
        """Remember the settings of a thread that are being changed for one turn.

        Each call is followed by one of `give_back`; the last of these restores the first settings.
        """
        first, count = self._lent.get(before.thread_id, (before, 0))
        self._lent[before.thread_id] = (first, count + 1)

    async def give_back(self, record: ThreadRecord, turn_id: str = "") -> None:
        """Restore the settings of a thread as they were before, at the end of a turn.

        What somebody has changed meanwhile stays. A failure of Codex is logged.

        Args:
            record: the thread.
            turn_id: the turn to wait for; empty where it was not started.
        """
        during = record.info
        if turn_id:
            await record.wait_for(turn_id)
        before, count = self._lent.pop(record.thread_id)
        if count > 1:
            self._lent[record.thread_id] = (before, count - 1)
            return
        former = {
            name: getattr(before, name)
            for name in _LENT
            if getattr(record.info, name) == getattr(during, name) != getattr(before, name) != ""
        }
        if not record.loaded or record.info.state is ThreadState.KILLED:
            self.registry.update(record, **former)  # it is loaded with these the next time
        elif former:
            try:
                await self.change(record.thread_id, SettingsChange(**former))
            except CodextuiError as error:
                logger.warning("%s keeps its settings: %s", record.info.handle, error)

    async def _change_codex(
        self, record: ThreadRecord, change: SettingsChange, changed: ChangedSettings
    ) -> None:
        await self.opener.load(record)
        app = await self.worker.app()
        await update_thread_settings(app, record.thread_id, change)
        settings = {name.replace("-", "_"): value for name, value in change.values().items()}
        self.registry.update(record, **settings)
        words = {name: f"{name} {value}" for name, value in change.values().items()}
        turn_id = record.turn.running_id
        if not turn_id:
            changed.now += words.values()
        else:
            in_turn = [words.pop(name) for name in ("model", "effort") if name in words]
            if in_turn:
                problem = await update_turn_settings(app, record.thread_id, turn_id, change)
                (changed.next_turn if problem else changed.now).extend(in_turn)
                changed.notes += [f"not in this turn: {problem}"] if problem else []
            changed.next_turn += words.values()
        if change.model and record.model_provider == _OPENAI:
            changed.notes += await self._model_notes(change.model)

    async def _model_notes(self, model: str) -> list[str]:
        try:
            models = await list_models(await self.worker.app())
        except CodextuiError:
            return []
        if not models or model in models:
            return []
        return [f"Codex lists no model {model}: if there is none, its turns fail"]
