"""The demo without a screen: what happens, line by line, and whether it came out right."""

from __future__ import annotations


def run(*, json_lines: bool) -> int:
    """Runs the demo without a screen and returns the process's exit code.

    Prints what happens line by line, answers approvals by a policy that it states, says where
    the files are, and checks them.

    Args:
        json_lines: print one JSON object a line instead of text.

    Returns:
        0 only where the files are there and right; else 1, after a line that says why.
    """
    raise NotImplementedError
