"""Where a role's tools are imported from, and what is said of one that cannot be."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codextui.errors import ConfigInvalid
from codextui.teams.runner.tool_imports import import_tool


@pytest.fixture(autouse=True)
def _own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})


def write(name: str, text: str) -> Callable[[Path], None]:
    def write_in(folder: Path) -> None:
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")

    return write_in


@pytest.mark.parametrize("file", ["a_tool.py", "a_tool/__init__.py"])
def test_a_tool_is_imported_from_the_folder_of_the_configuration(tmp_path: Path, file: str) -> None:
    write(file, "def look(): return 'found'")(tmp_path)
    found = import_tool("a_tool:look", tmp_path)
    assert callable(found)
    assert found() == "found"


def test_an_installed_module_is_never_hidden_by_one_of_that_folder(tmp_path: Path) -> None:
    write("json.py", "raise AssertionError")(tmp_path)
    import_tool("json:dumps", tmp_path)
    assert sys.path[-1] == str(tmp_path)


@pytest.mark.parametrize(
    ("file", "text", "path", "told"),
    [
        ("other.py", "", "absent_tool:x", ["No module named 'absent_tool'", "searched in", "{}"]),
        ("flat.py", "", "flat.inner:x", ["'flat' is not a package", "searched in"]),
        ("b1.py", "def look(): 1", "b1:lok", ["{}/b1.py has no lok; did you mean look?"]),
        ("b2.py", "\ndef look(:", "b2:look", ["{}/b2.py:2: invalid syntax"]),
        ("b3.py", "\n\n1 / 0", "b3:look", ["{}/b3.py:3: ZeroDivisionError"]),
        ("b4.py", "import sys; sys.exit()", "b4:x", ["{}/b4.py:1: SystemExit"]),
        ("b5.py", "import absent_one", "b5:x", ["{}/b5.py:1: No module", "install it for "]),
        ("b6.py", "from json import absent", "b6:x", ["{}/b6.py:1: cannot import name 'absent'"]),
        ("b7.py", "def __getattr__(name): 1 / 0", "b7:x", ["{}/b7.py:1: ZeroDivisionError"]),
        ("json.py", "x = 1", "json:x", ["json/__init__.py has no x; {}/json.py is hidden by it"]),
    ],
)
def test_what_prevents_an_import_is_told_with_its_place(
    tmp_path: Path, file: str, text: str, path: str, told: list[str]
) -> None:
    write(file, text)(tmp_path)
    with pytest.raises(ConfigInvalid) as caught:
        import_tool(path, tmp_path)
    for part in told:
        assert part.replace("{}", str(tmp_path)) in str(caught.value)
