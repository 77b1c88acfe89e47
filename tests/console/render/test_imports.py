"""Slow imports wait for the first text that needs them."""

import subprocess
import sys

PROGRAM = """
import sys
import codextui.console.render.items, codextui.console.render.approval, codextui.console.render.diff
from codextui.console.render.markdown import markdown_rows
from codextui.console.render.palette import palette_from
heavy = ("markdown_it", "pygments.lexers")
print([name in sys.modules for name in heavy])
markdown_rows("```python\\nprint(1)\\n```", 40, palette_from({}))
print([name in sys.modules for name in heavy])
"""


def test_parsers_and_lexers_are_imported_on_first_use() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == ["[False, False]", "[True, True]"]
