"""Pictures of the diff view."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from console.screens.dialog_host import DialogHost
from console.screens.diff_text import TextDiffs
from textual.pilot import Pilot

from codextui.console.model.diff_comments import Comment
from codextui.console.screens.diff import DiffScreen

DIFF = '''diff --git a/shop/cost.py b/shop/cost.py
index 1111111..2222222 100644
--- a/shop/cost.py
+++ b/shop/cost.py
@@ -10,6 +10,7 @@ def total(items):
     """Return the total of all items."""
     result = 0
-    for item in items:
-        result += item.price * item.count
+    for item in sorted(items):
+        result += item.price * item.amount \x20
+\tprint("total", result)
     return result
\x20
diff --git a/old name.txt b/new name.txt
similarity index 100%
rename from old name.txt
rename to new name.txt
diff --git a/logo.png b/logo.png
index 1111111..2222222 100644
Binary files a/logo.png and b/logo.png differ
diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
diff --git a/docs/notes.md b/docs/notes.md
new file mode 100644
--- /dev/null
+++ b/docs/notes.md
@@ -0,0 +1,3 @@
+# Notes
+
+`price` is in cents; nothing here is rounded before the total, so that no cent is lost on the way.
'''
COMMENT = Comment(
    "shop/cost.py", "+", 13, "        result += item.price * item.amount  ", "In cents?"
)
SnapCompare = Callable[..., bool]
LOOKS = [
    ((160, 45), "harbour", ("n", "j", "j")),
    ((160, 45), "paper", ("v", "w", "J")),
    ((80, 24), "paper", ("n", "j", "j")),
    ((50, 12), "harbour", ()),
    ((220, 60), "harbour", ("v",)),
]


def colored(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def before(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()

    return before


@pytest.mark.parametrize(("size", "theme", "keys"), LOOKS)
def test_a_diff_with_a_comment(
    snap_compare: SnapCompare, size: tuple[int, int], theme: str, keys: tuple[str, ...]
) -> None:
    source = TextDiffs("backend: turn 3, the last one (completed)", DIFF)
    source.kept["t-backend"] = (COMMENT,)
    host = DialogHost(DiffScreen(source), theme=theme)
    assert snap_compare(host, terminal_size=size, run_before=colored(*keys))


def test_no_changes(snap_compare: SnapCompare) -> None:
    host = DialogHost(DiffScreen(TextDiffs("backend: turn 3", "")))
    assert snap_compare(host, terminal_size=(80, 24))
