"""Logs in the Codex that codextui uses, which is not always on PATH."""

from __future__ import annotations

import argparse
import os

from codextui.codex.binary import find_codex, is_on_path
from codextui.commands.output import print_note
from codextui.config import paths
from codextui.config.schema import load_config


def log_in(options: argparse.Namespace) -> int:
    """Become `codex login`, on the CODEX_HOME of the configuration.

    Raises:
        CodexMissing: there is no usable Codex.
        ConfigInvalid: the configuration cannot be used.
    """
    codex = load_config(paths.config_path(options.config)).codex
    binary = find_codex(codex.binary)
    home = {} if codex.home is None else {"CODEX_HOME": str(codex.home)}
    if not (options.status or options.how) and not is_on_path(binary):
        print_note("where Codex says `codex login`, type `codextui login`")
    words = ["codex", "login", *(["status"] if options.status else options.how)]
    os.execve(binary.path, words, {**os.environ, **home})  # noqa: S606 - the user's own Codex
