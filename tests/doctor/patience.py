"""Makes the checks content with a busy machine; as a program, runs a command line so.

They get as much time as it takes, and do not mind how little room its disk has.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

from codextui import cli
from codextui.doctor import checks, codex, folders, machine, network, sandbox, server, terminal

PATIENCE_S = 60.0


def lengthen(set_attribute: Callable[[object, str, object], object]) -> None:
    """Set all limits of the checks."""
    set_attribute(folders, "LOW_BYTES", 0)
    patient = tuple(replace(check, limit_s=PATIENCE_S) for check in checks.CHECKS)
    set_attribute(checks, "CHECKS", patient)
    set_attribute(machine, "VERSION_TIMEOUT_S", PATIENCE_S)
    set_attribute(machine, "LOGIN_TIMEOUT_S", PATIENCE_S)
    set_attribute(codex, "STATUS_TIMEOUT_S", PATIENCE_S)
    set_attribute(sandbox, "TRY_TIMEOUT_S", PATIENCE_S)
    set_attribute(server, "ANSWER_TIMEOUT_S", PATIENCE_S)
    set_attribute(terminal, "TMUX_TIMEOUT_S", PATIENCE_S)
    set_attribute(network, "REACH_TIMEOUT_S", PATIENCE_S)


if __name__ == "__main__":
    lengthen(setattr)
    sys.exit(cli.main(sys.argv[1:]))
