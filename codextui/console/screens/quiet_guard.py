"""The quiet moment before decision keys work."""

from __future__ import annotations

from collections.abc import Callable


class QuietGuard:
    """Becomes ready after a while without keystrokes, and stays so until it is armed again.

    A dialog that appears while somebody types gets the rest of the word. This keeps it from
    taking a letter for a decision.
    """

    def __init__(self, quiet: float, clock: Callable[[], float]) -> None:
        """Arm it.

        Args:
            quiet: seconds without a keystroke.
            clock: monotonic seconds.
        """
        self._quiet = quiet
        self._clock = clock
        self._since = clock()
        self._ready = False

    @property
    def ready(self) -> bool:
        """Whether a key is a decision now."""
        self._ready = self._ready or self._clock() - self._since >= self._quiet
        return self._ready

    def arm(self) -> None:
        """Something else is shown: wait for a quiet moment again."""
        self._since = self._clock()
        self._ready = False

    def note_key(self) -> None:
        """A key was pressed; while it is not ready, the wait begins again."""
        if not self.ready:
            self._since = self._clock()
