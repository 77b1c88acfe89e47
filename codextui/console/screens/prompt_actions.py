"""The actions on the prompts of the current thread: what is typed, edited, or sent again."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.binding import Binding, BindingType

from codextui.console.model.image_marks import restore_images
from codextui.console.model.state import ThreadView
from codextui.console.model.suggestions import parse_command
from codextui.console.model.transcript import LOST, Turn
from codextui.console.screens import messages
from codextui.console.screens.availability import Action, unavailable_reason
from codextui.console.screens.thread_actions import ThreadActions, can_queue
from codextui.console.widgets.composer import Composer
from codextui.jsonrpc.fields import Json
from codextui.protocol.runs import ThreadKind
from codextui.text.sanitize import clean_paste

if TYPE_CHECKING:
    from codextui.console.screens.edit_turn import Edited

PROMPT_BINDINGS: list[BindingType] = [
    Binding("e", "edit", "Edit an earlier prompt, and send it in a fork", id="thread.edit"),
    Binding("w", "retry_turn", "Retry the last turn: send its prompt again", id="thread.retry"),
    Binding("C", "continue_turn", "Go on with a turn that was cut off", id="thread.continue"),
    Binding(
        "ctrl+o", "continue_all", "Go on with all that a crash cut off", id="thread.continue_all"
    ),
    Binding("E", "open_editor", "Open the folder in your editor", id="folder.editor"),
    Binding("exclamation_mark", "open_shell", "Open a shell in the folder", id="folder.shell"),
]

CONTINUE = "Your last turn was cut off. See what is done already, and go on from there."
"""The prompt that goes on with a turn."""

_NEEDED = {
    "queue": Action.SEND,
    "fork": Action.FORK,
    "rename": Action.SETTINGS,
    "model": Action.SETTINGS,
}
"""What must be available for a command with an argument, so that the argument is not lost."""

_ATTACHED = re.compile(
    r"^(\[\w+ [^\]]*\]|… [\d,]+ more characters are not kept here)$", re.MULTILINE
)
"""What the transcript has in the place of attachments, and of the end of a very long prompt."""


class PromptActions(ThreadActions):
    """Turns keys and typed commands into requests. An unavailable action shows the reason."""

    # An earlier prompt.

    def action_edit(self) -> None:
        """Ask which prompt to edit, and send it in a fork."""
        from codextui.console.screens.edit_turn import (  # noqa: PLC0415
            EarlierPrompt,
            EditTurnScreen,
        )

        if not self._check_available(Action.EDIT):
            return
        view = self.state.threads[self.workbench.current]
        befores = ["", *(turn.turn_id for turn in view.transcript.turns)]
        prompts = [
            EarlierPrompt(turn.turn_id, before, restore_images(clean_paste(turn.prompt)))
            for before, turn in zip(befores, view.transcript.turns, strict=False)
            if turn.prompt and (before or _is_first(turn, view))
        ]
        if not prompts:
            self._explain(f"No prompt of {view.info.handle} is known here any more.")
            return
        drafts, folder = self._options.drafts.edits, view.info.cwd
        screen = EditTurnScreen(view.info.handle, prompts, drafts, folder=folder)
        self.app.push_screen(screen, partial(self._send_edited, view))

    def _send_edited(self, view: ThreadView, edited: Edited | None) -> None:
        if edited is None:
            return
        earlier = edited.earlier
        forget = partial(self._options.drafts.edits.pop, earlier.turn_id, None)
        if earlier.before:
            self.post_message(
                messages.ForkEdited(view.thread_id, earlier.before, edited.text, forget)
            )
            return
        info = view.info
        start = messages.NewThread(
            edited.text, info.cwd, info.model, info.sandbox, info.approval_policy
        )
        self.post_message(messages.StartEdited(start, forget))

    def action_retry_turn(self) -> None:
        """Send the prompt of the last turn again, which failed or was cut off."""
        turn = self._cut_off_turn(Action.RETRY)
        if turn is None:
            return
        prompt = restore_images(turn.prompt)
        if not prompt:
            self._explain("The prompt of that turn is not known here any more.")
        elif _ATTACHED.search(prompt):
            self._explain("That prompt had more than text, which is not known here: r writes one.")
        else:
            self.post_message(messages.SendPrompt(self.workbench.current, prompt))

    def action_continue_turn(self) -> None:
        """Have the thread go on with its last turn, which failed or was cut off."""
        if self._cut_off_turn(Action.CONTINUE) is not None:
            self.post_message(messages.SendPrompt(self.workbench.current, CONTINUE))

    def action_continue_all(self) -> None:
        """Ask, then have all threads go on whose turns a crash has cut off."""
        views = [view for view in self.state.threads.values() if _is_lost(view)]
        if not views:
            self._explain("No turn was cut off by a crash.")
            return
        handles = ", ".join(view.info.handle for view in views)
        self._confirm(
            f"Go on with {len(views)} turn{'s' if len(views) > 1 else ''} that a crash cut off?",
            f"{handles}: each is told to see what is done already, and to go on from there.",
            "Go on",
            *(messages.SendPrompt(view.thread_id, CONTINUE) for view in views),
        )

    def _cut_off_turn(self, action: Action) -> Turn | None:
        """Return the last turn of the current thread if it was cut off; explain if not."""
        if not self._check_available(action):
            return None
        return self.state.threads[self.workbench.current].transcript.turns[-1]

    # The folder.

    def action_open_editor(self) -> None:
        """Open the thread's folder in the user's editor."""
        if self._check_available(Action.FOLDER):
            self.post_message(messages.OpenFolder(self.workbench.current, in_shell=False))

    def action_open_shell(self) -> None:
        """Open a shell in the thread's folder."""
        if self._check_available(Action.FOLDER):
            self.post_message(messages.OpenFolder(self.workbench.current, in_shell=True))

    # The composer.

    @on(Composer.EditorWanted)
    def _edit_in_editor(self, message: Composer.EditorWanted) -> None:
        self.post_message(messages.EditText(message.thread_id, message.text))

    def take_edited(self, thread_id: str, old: str, new: str) -> None:
        """Put a text that was edited elsewhere into the composer of a thread, or its draft."""
        self.workbench.replace_draft(thread_id, old, new)

    @on(Composer.Sent)
    def _send_or_run(self, message: Composer.Sent) -> None:
        """Run the command that was typed, or send the text."""
        is_text = message.queued or message.is_plain
        parsed = None if is_text else parse_command(message.text)
        view = self.state.threads.get(message.thread_id)
        if parsed is None or view is None or view.info.kind is not ThreadKind.CODEX:
            self._send(message)
            return
        command, argument = parsed
        needed = _NEEDED.get(command.name)
        if needed and (reason := unavailable_reason(needed, self.state, message.thread_id)):
            self._explain(reason)
            return
        self.workbench.forget_draft(message.thread_id)
        self.workbench.close_composer(message.thread_id)
        if command.action and self.workbench.current != message.thread_id:
            self._explain(f"/{command.name} did nothing: another thread is chosen by now.")
        elif command.action:
            getattr(self, f"action_{command.action}")()
        else:
            self._run_with_argument(command.name, message.thread_id, argument)

    def _run_with_argument(self, name: str, thread_id: str, argument: str) -> None:
        match name:
            case "queue":
                queued = can_queue(self.state, thread_id)
                self.post_message(messages.SendPrompt(thread_id, argument, queued=queued))
            case "fork":
                self.post_message(messages.ForkThread(thread_id, prompt=argument))
            case "rename":
                arguments: dict[str, Json] = {"thread": thread_id, "handle": argument}
                self.post_message(messages.CallTool("rename it", "codex-rename", arguments))
            case "model":
                arguments = {"thread": thread_id, "model": argument}
                call = messages.CallTool("change the model", "codex-settings", arguments)
                self.post_message(call)
            case _:
                raise AssertionError(name)


def _is_first(turn: Turn, view: ThreadView) -> bool:
    """Return whether a turn is the first of its thread, as far as that is known."""
    brief = view.info.brief.removesuffix("…").rstrip()
    return bool(brief) and turn.prompt.startswith(brief)


def _is_lost(view: ThreadView) -> bool:
    """Return whether the last turn of a thread of ours was lost with its Codex or its server."""
    turns = view.transcript.turns
    is_at_rest = view.info.ours and view.info.kind is ThreadKind.CODEX
    return is_at_rest and not view.info.state.has_turn and bool(turns) and turns[-1].state == LOST
