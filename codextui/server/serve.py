"""The shared server put together."""

from __future__ import annotations

from codextui.server.options import ServeOptions

__all__ = ["ServeOptions", "serve"]


async def serve(options: ServeOptions) -> None:
    """Run the shared server until it is shut down (tool, SIGTERM, SIGINT, idle).

    It returns at once, and says so in its log, where another server of that name already runs.
    Raises ServerUnreachable where the socket, the lock or the journal cannot be made.
    """
    raise NotImplementedError
