"""Tests for codextui.protocol.codec."""

from __future__ import annotations

import subprocess
import sys

RACE = """
import gc, sys, threading
from codextui.protocol.codec import Message

sys.setswitchinterval(1e-6)
gc.set_threshold(10)

def define(name, inner):
    text = f"class {name}(Message, frozen=True):\\n    a: int | None = None\\n"
    text += "    b: dict[str, tuple[int, ...]] | None = None\\n"
    text += f"    c: {inner} | None = None\\n"
    exec(text, globals())
    return globals()[name]

def read(kind, barrier):
    barrier.wait()
    kind.from_json({"a": 1, "b": {"x": [1]}, "c": {"a": 2, "c": {"a": 3}}})

for number in range(50):
    inner = "int"
    for depth in range(8):
        kind = define(f"Kind_{number}_{depth}", inner)
        inner = kind.__name__
    barrier = threading.Barrier(3)
    threads = [threading.Thread(target=read, args=(kind, barrier)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print("alive")
"""


def test_two_threads_can_read_a_type_for_the_first_time_at_once():
    done = subprocess.run(
        [sys.executable, "-c", "from __future__ import annotations\n" + RACE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr[-2000:]
