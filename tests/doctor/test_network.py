"""Whether something can be reached: by a proxy too, in time, and without saying anything."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from doctor.conftest import Stage

from codextui.doctor.network import UNTRUSTED, listens_at, why_unreachable

SYSTEM_PATH = os.environ["PATH"]


@contextmanager
def listener(
    answer: bytes = b"", tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[bytes]]]:
    """Listen, answer the first line of each connection, and keep all that was heard."""
    heard: list[bytes] = []
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(10)

        def serve() -> None:
            while True:
                try:
                    link, _ = listening.accept()
                except OSError:
                    return
                with link, suppress(OSError):
                    stream = link if tls is None else tls.wrap_socket(link, server_side=True)
                    data = stream.recv(4096)
                    heard.append(data)
                    if data and answer:
                        link.sendall(answer)
                        heard.append(link.recv(4096))

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}", heard
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_what_listens_can_be_reached_and_is_told_nothing(stage: Stage) -> None:
    with listener() as (address, heard):
        assert why_unreachable(f"http://{address}/v1") == ""
        assert listens_at(f"ws://{address}") == ""
    assert b"".join(heard) == b""


def test_what_does_not_listen_cannot_be_reached(stage: Stage) -> None:
    with listener() as (address, _):
        pass
    assert why_unreachable(f"http://{address}/v1") == "Connection refused"
    assert listens_at("unix:///nowhere/at/all.sock") == "No such file or directory"


def test_a_proxy_is_asked_for_the_host_and_hears_no_name_and_no_key(stage: Stage) -> None:
    with listener(b"HTTP/1.1 403 Forbidden\r\n\r\n") as (address, heard):
        stage.setenv(HTTPS_PROXY=f"http://{address}")
        why = why_unreachable("https://api.example.com/v1")
    assert "403" in why
    assert address in why
    assert heard[0].startswith(b"CONNECT api.example.com:443 ")
    assert b"authorization" not in heard[0].lower()


def test_a_proxy_that_wants_a_password_is_only_connected_to(stage: Stage) -> None:
    with listener() as (address, heard):
        stage.setenv(HTTPS_PROXY=f"http://me:s3cr3t@{address}")
        assert why_unreachable("https://api.example.com/v1") == ""
    assert b"".join(heard) == b""


def test_a_host_without_a_proxy_is_reached_directly(stage: Stage) -> None:
    with listener() as (address, heard):
        stage.setenv(HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="127.0.0.1")
        assert why_unreachable(f"http://{address}/v1") == ""
    assert b"".join(heard) == b""


@pytest.mark.parametrize("proxy", [":::", "http://127.0.0.1:port", "http://[::1"])
def test_a_proxy_that_is_no_address_is_named(stage: Stage, proxy: str) -> None:
    with listener() as (address, _):
        stage.setenv(HTTP_PROXY=proxy)
        assert "proxy that http_proxy" in why_unreachable(f"http://{address}/v1")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_a_certificate_that_nobody_trusts_is_told_unless_codex_is_told_to_trust_it(
    stage: Stage, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    named = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key))
    made = [*command.split(), *named, "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True, timeout=60, env={"PATH": SYSTEM_PATH})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with listener(tls=context) as (address, heard):
        assert why_unreachable(f"https://{address}/v1").startswith(UNTRUSTED)
        stage.setenv(CODEX_CA_CERTIFICATE=certificate)
        assert why_unreachable(f"https://{address}/v1") == ""
    assert b"".join(heard) == b""


def test_what_speaks_no_tls_is_told_as_such(stage: Stage) -> None:
    with listener(b"I speak no TLS at all\r\n") as (address, _):
        why = why_unreachable(f"https://{address}/v1")
    assert why
    assert "Traceback" not in why


@pytest.mark.parametrize(
    "url", ["", "nonsense", "http://", "http://[", "http://host:port/", "ftp://example.com"]
)
def test_what_is_no_address_is_told_as_such(stage: Stage, url: str) -> None:
    assert why_unreachable(url).startswith("it is no address")


def test_what_does_not_answer_is_given_up_in_time(stage: Stage) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        why = why_unreachable(f"http://127.0.0.1:{port}/v1", 0.2)
        for one in waiting:
            one.close()
    assert why == "no answer within 0.2 s"
