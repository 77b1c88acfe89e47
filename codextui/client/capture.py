"""Captures: files of frames, as JSON lines after a line that says what they are.

The first line is `{"codextui_capture": 1, "codextui": VERSION, "server": NAME, "at": SECONDS}`.
Each line after it is a `protocol.frames.Frame`, whose `message` is the JSON of its `body`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

import codextui
from codextui.errors import ConfigInvalid, MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.excerpt import shorten
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.frames import decode_frame, decode_json, encode_frame
from codextui.protocol.frames import MAX_SHOWN, Frame
from codextui.text.secrets import mask_json, mask_text

CAPTURE_VERSION = 1
"""The version of the format that is written."""

MAX_FRAMES = 100_000
"""Frames that a capture may have to be loaded."""

MAX_LINE = 1024 * 1024
"""Bytes that a line of a capture may have."""

_KEY = "codextui_capture"


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture that was loaded.

    Attributes:
        path: its file.
        server: the name of the server that was inspected.
        at: when it was begun, in unix seconds.
        frames: its frames, without secrets whatever the file has.
    """

    path: Path
    server: str
    at: float
    frames: list[Frame]


class CaptureWriter:
    """Writes a capture, frame by frame, to a new file that only its user can read.

    Raises OSError where it cannot be written; FileExistsError where the file is there already.
    """

    def __init__(self, path: Path, server: str, now: float | None = None) -> None:
        self.count = 0
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file: IO[bytes] = os.fdopen(descriptor, "wb")
        self._file.write(encode_frame(capture_header(server, now)))

    def write(self, frames: Iterable[Frame]) -> None:
        """Append frames."""
        for frame in frames:
            self._file.write(encode_frame(frame_to_json(frame)))
            self.count += 1
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def capture_name(server: str, now: float | None = None) -> str:
    """Return the name of a new capture's file."""
    moment = time.localtime(time.time() if now is None else now)
    return f"{server}-{time.strftime('%Y%m%d-%H%M%S', moment)}.jsonl"


def save_capture(folder: Path, server: str, frames: Iterable[Frame]) -> Path:
    """Write a new capture into a folder, and return its file. Raises OSError."""
    path = folder / capture_name(server)
    with CaptureWriter(path, server) as writer:
        writer.write(frames)
    return path


def find_captures(folder: Path) -> list[Path]:
    """Return the captures in a folder, the newest first. Raises OSError."""
    return sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime, reverse=True)


def capture_header(server: str, now: float | None = None) -> JsonObject:
    """Return the first line of a capture."""
    at = time.time() if now is None else now
    return {_KEY: CAPTURE_VERSION, "codextui": codextui.__version__, "server": server, "at": at}


def frame_to_json(frame: Frame) -> JsonObject:
    """Return a frame as a capture has it, without secrets."""
    line = frame.to_json()
    body = line.pop("body")
    try:
        line["message"] = mask_json(decode_json(body.encode()), mask_text)
    except (ValueError, RecursionError):
        line["body"] = mask_text(body)
    return {key: value for key, value in line.items() if key == "peer" or value not in ("", None)}


def read_capture(path: Path) -> Capture:
    """Read a capture.

    Raises:
        ConfigInvalid: it cannot be read, or is none; the message has the file and the line.
    """
    try:
        with path.expanduser().open("rb") as file:
            header = _read_header(path, file.readline(MAX_LINE))
            frames = list(_read_frames(path, file))
    except OSError as error:
        raise ConfigInvalid(f"{path} cannot be read: {error.strerror or error}") from error
    except RuntimeError as error:  # `~NAME` of an unknown user
        raise ConfigInvalid(f"{path} cannot be read: {error}") from error
    return Capture(
        path,
        fields.text_or(header, "server"),
        fields.number_or(header, "at"),
        frames,
    )


def _read_header(path: Path, line: bytes) -> JsonObject:
    try:
        header = decode_frame(line)
    except MessageInvalid:
        header = {}
    version = header.get(_KEY)
    if not isinstance(version, int):
        raise ConfigInvalid(f"{path}:1: this is no capture of codextui's inspector")
    if version != CAPTURE_VERSION:
        raise ConfigInvalid(
            f"{path}:1: the capture has version {version}, and this codextui reads version "
            f"{CAPTURE_VERSION}"
        )
    try:
        fields.text_or(header, "server")
        fields.number_or(header, "at")
    except MessageInvalid as error:
        raise ConfigInvalid(f"{path}:1: {error}") from error
    return header


def _read_frames(path: Path, file: IO[bytes]) -> Iterator[Frame]:
    number = 1
    while line := file.readline(MAX_LINE):
        number += 1
        if number > MAX_FRAMES + 1:
            raise ConfigInvalid(f"{path}:{number}: a capture has at most {MAX_FRAMES:,} frames")
        if not line.strip():
            continue
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            raise ConfigInvalid(f"{path}:{number}: the line is too long for a frame")
        try:
            yield _read_frame(decode_frame(line))
        except MessageInvalid as error:
            raise ConfigInvalid(f"{path}:{number}: this is no frame: {error}") from error


def _read_frame(line: JsonObject) -> Frame:
    read = dict(line)
    is_cut = bool(read.get("cut"))
    if "message" in read:
        masked = mask_json(read.pop("message"), mask_text)
        _, read["body"], was_shortened = shorten(masked, MAX_SHOWN)
        read["cut"] = is_cut or was_shortened
    elif isinstance(read.get("body"), str):
        read["body"] = mask_text(str(read["body"]))[:MAX_SHOWN]
    for name in ("peer", "method", "thread", "tool", "detail", "id"):
        if isinstance(read.get(name), str):
            read[name] = mask_text(str(read[name]))
    return Frame.from_json(read)
