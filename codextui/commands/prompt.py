"""Where a prompt comes from."""

from __future__ import annotations

import sys

from codextui.errors import ConfigInvalid


def read_prompt(given: str) -> str:
    """The prompt as typed, or standard input for `-`. Raises ConfigInvalid where it is empty."""
    prompt = sys.stdin.read() if given == "-" else given
    if not prompt.strip():
        raise ConfigInvalid("the prompt is empty: say what the agent is to do")
    return prompt
