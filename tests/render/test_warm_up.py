from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import codextui.render.item_view, codextui.render.approval, codextui.render.diff
from codextui.render.palette import palette_from
from codextui.render.warm_up import warm_up
heavy = ("markdown_it", "pygments.lexers")
print([name in sys.modules for name in heavy])
warm_up(palette_from({}))
print([name in sys.modules for name in heavy])
"""


def test_parsers_and_lexers_are_imported_when_there_is_something_to_parse() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == ["[False, False]", "[True, True]"]
