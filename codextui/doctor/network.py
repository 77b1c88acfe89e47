"""Tries whether something answers at an address. Nothing but a handshake of TLS is sent."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

REACH_TIMEOUT_S = 2.5
"""Seconds within which a connection must be there."""

UNTRUSTED = "its certificate is not trusted here"
"""What a reason begins with where something answers, of which we cannot tell whose it is."""

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def why_unreachable(url: str, timeout_s: float | None = None) -> str:
    """Return why no connection to a URL can be made; empty where one can.

    The proxy of the environment is used, as Codex does. Looking a name up cannot be interrupted,
    so this is done in a thread of its own, which is left behind where it takes too long.
    """
    limit = REACH_TIMEOUT_S if timeout_s is None else timeout_s
    problems: list[str] = []

    def connect() -> None:
        problems.append(_try_to_connect(url, limit))

    thread = threading.Thread(target=connect, name=f"reach {url}", daemon=True)
    thread.start()
    thread.join(limit)
    return problems[0] if problems else f"no answer within {limit:g} s"


def listens_at(address: str, timeout_s: float = 1.0) -> str:
    """Return why nothing can be reached at `unix://PATH` or `ws://HOST:PORT`; empty if it can."""
    scheme, _, rest = address.partition("://")
    if scheme != "unix":
        return why_unreachable(address, timeout_s)
    return why_silent(rest, timeout_s)


def why_silent(path: str | os.PathLike[str], timeout_s: float = 1.0) -> str:
    """Return why nobody listens on a unix socket; empty where somebody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as tried:
        tried.settimeout(timeout_s)
        try:
            tried.connect(os.fspath(path))
        except OSError as error:
            return error.strerror or str(error)
    return ""


def _try_to_connect(url: str, timeout_s: float) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        return f"it is no address: {error}"
    if not host or not port:
        return "it is no address with http:// or https://"
    try:
        by_proxy = _by_proxy(parts.scheme, host)
    except ValueError:
        return "the proxy that http_proxy, https_proxy or all_proxy names is no address"
    try:
        _connect(parts, host, port, timeout_s)
    except ssl.SSLCertVerificationError as error:
        return f"{UNTRUSTED}: {error.verify_message}"
    except TimeoutError:
        return f"no answer within {timeout_s:g} s"
    except (OSError, HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return f"{reason}{by_proxy}"
    return ""


def _connect(parts: SplitResult, host: str, port: int, timeout_s: float) -> None:
    proxy = _proxy(parts.scheme, host)
    is_secret = parts.scheme in ("https", "wss")
    connection: HTTPConnection
    if proxy is None or not is_secret or proxy.scheme != "http" or proxy.username:
        # A proxy that wants a name and a password gets none of them from us.
        where = (host, port) if proxy is None else (proxy.hostname or "", proxy.port or 80)
        if is_secret and proxy is None:
            connection = HTTPSConnection(*where, timeout=timeout_s, context=_trust())
        else:
            connection = HTTPConnection(*where, timeout=timeout_s)
    else:
        where = proxy.hostname or "", proxy.port or 80
        connection = HTTPSConnection(*where, timeout=timeout_s, context=_trust())
        connection.set_tunnel(host, port)
    try:
        connection.connect()
    finally:
        connection.close()


def _trust() -> ssl.SSLContext:
    """Return whose certificates are trusted: those that the system does, and Codex is told to."""
    context = ssl.create_default_context()
    own = os.environ.get("CODEX_CA_CERTIFICATE")
    if own:
        with suppress(OSError):
            context.load_verify_locations(own)
    return context


def _proxy(scheme: str, host: str) -> SplitResult | None:
    proxies = getproxies()
    secret = scheme in ("https", "wss")
    url = proxies.get("https" if secret else "http") or proxies.get("all")
    if not url or proxy_bypass(host):
        return None
    return urlsplit(url if "://" in url else f"http://{url}")


def _by_proxy(scheme: str, host: str) -> str:
    proxy = _proxy(scheme, host)
    return "" if proxy is None else f" (by the proxy {proxy.hostname}:{proxy.port or 80})"
