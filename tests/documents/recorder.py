"""A proxy that lets nothing pass, and remembers where programs wanted to go."""

from __future__ import annotations

import socketserver
import threading
from types import TracebackType
from typing import Self


class Recorder:
    """Listens on loopback, refuses each request, and keeps its host.

    Attributes:
        hosts: the hosts that were asked for, in order.
    """

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self._came = threading.Condition()
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables by which programs come here, but for loopback."""
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        proxies = {spelled: url for name in names for spelled in (name, name.lower())}
        return {**proxies, "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}

    def wait_for(self, host: str, timeout_s: float = 60) -> bool:
        """Wait until a program wants to go to a host; False if none does in time."""
        with self._came:
            return self._came.wait_for(lambda: host in self.hosts, timeout_s)

    def _handler(self) -> type[socketserver.StreamRequestHandler]:
        recorder = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                words = self.rfile.readline().decode("latin-1").split()
                if len(words) < 2:
                    return
                target = words[1].partition("://")[2] or words[1]
                host = target.partition("/")[0].rpartition(":")[0] or target.partition("/")[0]
                with recorder._came:
                    recorder.hosts.append(host)
                    recorder._came.notify_all()
                self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        return Handler
