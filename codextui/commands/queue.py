"""The command `queue`: messages that a thread gets after the running turn."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from codextui.commands.call import call_tool
from codextui.commands.output import print_json, print_line, print_note, read_prompt
from codextui.commands.threads import image_arguments
from codextui.errors import ConfigInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import QueuedMessage, ThreadInfo, WholeQueuedMessage
from codextui.text.sanitize import one_line, sanitize


def queue(options: argparse.Namespace) -> int:
    """Queue a message, or change the queue; without options list what is queued."""
    _check_usage(options)
    if options.edit is not None:
        number, prompt = _read_number(options.edit[0]), read_prompt(options.edit[1])
        message = _find_message(options, number)
        return _print_queue(options, _call(options, "edit", message=message, prompt=prompt))
    if options.prompt is not None:
        prompt_arguments = {"prompt": read_prompt(options.prompt), **image_arguments(options)}
        return _print_queue(options, _call(options, "add", **prompt_arguments))
    if options.show is not None:
        return _print_message(options, _find_message(options, options.show))
    if options.move is not None:
        return _print_queue(options, _call(options, "move", **_find_place(options)))
    if options.remove is not None:
        message = _find_message(options, options.remove)
        return _print_queue(options, _call(options, "remove", message=message))
    return _print_queue(options, _call(options, "start" if options.start else "list"))


def _check_usage(options: argparse.Namespace) -> None:
    given = (options.prompt, options.show, options.edit, options.move, options.remove)
    if sum(one is not None for one in given) + options.start > 1:
        raise ConfigInvalid(
            "a PROMPT, --show, --edit, --move, --remove and --start exclude each other"
        )
    if options.image and options.prompt is None:
        raise ConfigInvalid("an image needs a PROMPT: say what to do with it")


def _read_number(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise ConfigInvalid(f"--edit takes a message's number first, not {word!r}") from None


def _call(options: argparse.Namespace, action: str, **arguments: object) -> JsonObject:
    arguments = {"thread": options.thread, "action": action, **arguments}
    return call_tool(options, "codex-queue", arguments, start=action == "add")


def _find_message(options: argparse.Namespace, number: int) -> str:
    """Return the id of the message that has a number."""
    queued = _read_thread(_call(options, "list")).queued
    return _id_of(queued, number)


def _find_place(options: argparse.Namespace) -> dict[str, str]:
    """Return the arguments that move a message to the place given."""
    queued = _read_thread(_call(options, "list")).queued
    number, to = options.move
    moved = _id_of(queued, number)
    _id_of(queued, to)
    rest = [message.queued_id for message in queued if message.queued_id != moved]
    return {"message": moved, **({"before": rest[to - 1]} if to <= len(rest) else {})}


def _id_of(queued: Sequence[QueuedMessage], number: int) -> str:
    if not 1 <= number <= len(queued):
        raise ConfigInvalid(f"no message {number} is queued: there are {len(queued)} in the queue")
    return queued[number - 1].queued_id


def _print_message(options: argparse.Namespace, message: str) -> int:
    result = _call(options, "show", message=message)
    if options.json:
        print_json(result)
        return 0
    whole = WholeQueuedMessage.from_json(fields.as_object(result.get("message"), "message"))
    for line in sanitize(whole.text).split("\n"):
        print_line(line)
    return 0


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
