"""The demo: the real Codex and a scripted model, which the contract tests use too."""

from codextui.demo.home import codex_environment, scratch_codex_home, write_codex_home
from codextui.demo.model import ScriptedModel
from codextui.demo.request import ModelRequest
from codextui.demo.script import Answer, ModelScript, Script
from codextui.demo.steps import Call, Fail, Patch, Run, Say, Step, Think

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
    "Step",
    "Think",
    "codex_environment",
    "scratch_codex_home",
    "write_codex_home",
]
