"""The demo on the screen: the console, attached to a server of the demo's own."""

from __future__ import annotations


def run() -> int:
    """Runs the demo in the console and returns the process's exit code.

    Starts the scripted model and a shared server of its own, puts three role threads to work
    and opens the console on them. When the console is left, the server and the model stop; the
    workspace stays, and its path is printed.
    """
    raise NotImplementedError
