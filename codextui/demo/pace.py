"""How fast the demo's agents write."""

from __future__ import annotations

from dataclasses import dataclass

from codextui.demo.step import Say, Think


@dataclass(frozen=True, slots=True)
class Pace:
    """The speed of streamed text.

    Attributes:
        chunk: characters in each delta; 0 is a word a delta.
        delay_s: seconds between deltas.
    """

    chunk: int = 0
    delay_s: float = 0.0

    def say(self, text: str) -> Say:
        """Returns a message at this speed."""
        return Say(text, chunk=self.chunk, delay_s=self.delay_s)

    def think(self, text: str) -> Think:
        """Returns a thought at this speed."""
        return Think(text, chunk=self.chunk, delay_s=self.delay_s)


AT_ONCE = Pace()
"""For runs that nobody watches."""

READABLE = Pace(chunk=2, delay_s=0.025)
"""About 80 characters a second: for the screen."""
