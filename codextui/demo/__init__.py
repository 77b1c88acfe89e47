"""The demo, and the scripted model that it and the tests run the real Codex with."""

from codextui.demo.environment import codex_environment, scratch_codex_home, write_codex_home
from codextui.demo.model import ScriptedModel
from codextui.demo.request import ModelRequest
from codextui.demo.script import (
    Answer,
    Call,
    Fail,
    ModelScript,
    Patch,
    Run,
    Say,
    Script,
    Search,
    Step,
    Think,
)

__all__ = [
    "Answer",
    "Call",
    "Fail",
    "ModelRequest",
    "ModelScript",
    "Patch",
    "Run",
    "Say",
    "Script",
    "ScriptedModel",
    "Search",
    "Step",
    "Think",
    "codex_environment",
    "scratch_codex_home",
    "write_codex_home",
]
