"""The command `queue`: messages that a thread gets after the running turn."""

from __future__ import annotations

import argparse

from codextui.commands.call import call_tool
from codextui.commands.output import print_json, print_line, print_note, read_prompt
from codextui.commands.threads import image_arguments
from codextui.errors import ConfigInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import ThreadInfo
from codextui.text.sanitize import one_line


def queue(options: argparse.Namespace) -> int:
    """Queue a message; without one list what is queued, remove a message or start the next."""
    chosen = (options.prompt is not None) + (options.remove is not None) + options.start
    if chosen > 1:
        raise ConfigInvalid("a PROMPT, --remove and --start exclude each other")
    if options.image and options.prompt is None:
        raise ConfigInvalid("an image needs a PROMPT: say what to do with it")
    if options.prompt is not None:
        prompt = {"prompt": read_prompt(options.prompt), **image_arguments(options)}
        return _print_queue(options, _call(options, "add", **prompt))
    if options.remove is not None:
        message = _find_message(options)
        return _print_queue(options, _call(options, "remove", message=message))
    return _print_queue(options, _call(options, "start" if options.start else "list"))


def _call(options: argparse.Namespace, action: str, **arguments: object) -> JsonObject:
    arguments = {"thread": options.thread, "action": action, **arguments}
    return call_tool(options, "codex-queue", arguments, start=action == "add")


def _find_message(options: argparse.Namespace) -> str:
    """Return the id of the message that has the number given."""
    queued = _read_thread(_call(options, "list")).queued
    number: int = options.remove
    if not 1 <= number <= len(queued):
        raise ConfigInvalid(f"no message {number} is queued: there are {len(queued)} in the queue")
    return queued[number - 1].queued_id


def _print_queue(options: argparse.Namespace, result: JsonObject) -> int:
    if options.json:
        print_json(result)
        return 0
    thread = _read_thread(result)
    if not thread.queued:
        sent = "it was sent at once: " if options.prompt is not None else ""
        print_note(f"{sent}nothing is queued for {one_line(thread.handle)}")
    for number, message in enumerate(thread.queued, 1):
        images = f" (+{message.images} files)" if message.images else ""
        print_line(f"{number}  {one_line(message.text, 200)}{images}")
    return 0


def _read_thread(result: JsonObject) -> ThreadInfo:
    return ThreadInfo.from_json(fields.as_object(result.get("thread"), "thread"))
