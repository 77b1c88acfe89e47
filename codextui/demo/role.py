"""The roles of the demo, and what each is asked to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """A thread of the demo.

    Attributes:
        name: its handle.
        instructions: its developer instructions; the script knows the role by them.
        brief: what it is asked first.
        sandbox: what Codex lets it do without asking.
    """

    name: str
    instructions: str
    brief: str
    sandbox: str


def _instructions(name: str, duty: str) -> str:
    return f"You are the {name} of a small team. {duty}"


BUILDER = Role(
    name="builder",
    instructions=_instructions("builder", "You write the program; others test and document it."),
    brief=(
        "Build wordtally.py: a command-line program that counts the words of a text file and "
        "shows the most common ones. No dependencies. Commit it."
    ),
    sandbox="workspace-write",
)

TESTER = Role(
    name="tester",
    instructions=_instructions("tester", "You write tests, run them and fix what they find."),
    brief=(
        "Write unit tests for wordtally.py and run them. Upper and lower case must not matter, "
        "and a word such as don't is one word. Fix what fails."
    ),
    sandbox="workspace-write",
)

WRITER = Role(
    name="writer",
    instructions=_instructions("writer", "You write for people who have never seen the program."),
    brief="Write a short README.md for wordtally.py: what it does, how to run it, its options.",
    sandbox="read-only",
)

ROLES = (BUILDER, TESTER, WRITER)
"""The three that work at once, in the order they are started."""

FOLLOW_UP = (
    "The tests pass. Add a --json option, run the tests once more, and publish the program to "
    "../release."
)
"""The builder's second turn."""
