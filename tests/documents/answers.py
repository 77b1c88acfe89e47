"""The model of a newcomer's machine: it answers Codex, the roles of a new team, and scripts."""

from __future__ import annotations

import json

from codextui.demo.request import ModelRequest
from codextui.demo.script import Call, Patch, Run, Say, Step

_SHOW_NAME = "Show the name of this machine"
_BUILD = "Build it, and write CHANGES.md."
_REVIEW = "No faults were found."


def answer(request: ModelRequest) -> list[Step]:
    """Return the next step of whoever asks, which follows from what was done before."""
    if request.thread_id:
        return [_codex(request)]
    history = json.dumps(request.input)
    if "You are the reviewer" in request.instructions:
        return [_reviewer(history)]
    if "You are the builder" in request.instructions:
        return [_builder(history)]
    if request.last_output is None:
        return [Call("codex", {"prompt": "Say hello"})]
    return [Say("The script is done.")]


def _codex(request: ModelRequest) -> Step:
    is_first = request.last_output is None
    if _SHOW_NAME in request.last_user_text and is_first:
        return Run("hostname", escalate=True, justification="to know where this runs")
    if _BUILD in request.last_user_text and is_first:
        return Patch.add_all({"wishes.py": "print(1)\n", "CHANGES.md": "wishes.py is new.\n"})
    return Say("Done.")


def _builder(history: str) -> Step:
    if _REVIEW in history:
        return Say("Built and reviewed.")
    return Call("transfer_to_reviewer") if _BUILD in history else Call("codex", {"prompt": _BUILD})


def _reviewer(history: str) -> Step:
    if _REVIEW in history:
        return Call("transfer_to_builder")
    return Call("write_file", {"path": "REVIEW.md", "content": f"{_REVIEW}\n"})
