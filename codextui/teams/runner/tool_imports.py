"""Imports what a role's tool is named after, `package.module:name`, and says what prevents it.

A module is searched for as Python does it (installed packages, `PYTHONPATH`), and then in the
folder of the configuration file, which never hides an installed module.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import sys
import sysconfig
import traceback
from pathlib import Path
from types import ModuleType

from codextui.errors import ConfigInvalid

_IMPORTERS = ("<frozen ", importlib.__file__, __file__)


def import_tool(path: str, folder: Path | None) -> object:
    """Import what a path names; what the module prints goes to standard error.

    Args:
        path: `package.module:name`.
        folder: the folder of the configuration file; None if there is none.

    Raises:
        ConfigInvalid: it cannot be imported. The message follows the tool's name.
    """
    name, _, attribute = path.partition(":")
    add_tool_folder(folder)
    module = _import_module(name)
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise ConfigInvalid(_describe_absence(module, attribute, folder)) from None
    except Exception as error:  # a module's `__getattr__` may raise anything
        raise ConfigInvalid(_describe_failure(error)) from error


def add_tool_folder(folder: Path | None) -> None:
    """Add the folder of the configuration file to those that modules are imported from, last."""
    if folder is not None and str(folder) not in sys.path:
        sys.path.append(str(folder))
    importlib.invalidate_caches()


def module_file(path: str) -> Path | None:
    """Return the file of the module of an imported tool; None if it has none."""
    file = getattr(sys.modules.get(path.partition(":")[0]), "__file__", None)
    return Path(file) if isinstance(file, str) else None


def searched_folders() -> tuple[str, ...]:
    """Return the folders that a tool's module is searched in, without Python's own."""
    own = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
    folders = (str(Path(entry or ".").absolute()) for entry in sys.path)
    return tuple(
        dict.fromkeys(
            folder
            for folder in folders
            if folder not in own and Path(folder).is_dir() and not folder.endswith("lib-dynload")
        )
    )


def _import_module(name: str) -> ModuleType:
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name != missing and not name.startswith(f"{missing}."):
            raise ConfigInvalid(
                f"{_describe_failure(error)}; install it for {sys.executable}"
            ) from error
        folders = ", ".join(searched_folders())
        raise ConfigInvalid(f"cannot be imported: {error}; searched in {folders}") from error
    except (Exception, SystemExit) as error:  # a module of the user's may raise anything
        raise ConfigInvalid(_describe_failure(error)) from error


def _describe_failure(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        where = f"{error.filename}:{error.lineno}: " if error.filename else ""
        return f"cannot be imported: {where}{error.msg}"
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith(_IMPORTERS):
            place = f"{frame.filename}:{frame.lineno}: "
    what = str(error) if isinstance(error, ImportError) else repr(error)
    return f"cannot be imported: {place}{what}"


def _describe_absence(module: ModuleType, attribute: str, folder: Path | None) -> str:
    file = getattr(module, "__file__", None) or module.__name__
    close = difflib.get_close_matches(attribute, dir(module), n=1)
    meant = f"; did you mean {close[0]}?" if close else ""
    first = module.__name__.partition(".")[0]
    hidden = [
        str(path)
        for path in ((folder / f"{first}.py", folder / first) if folder is not None else ())
        if path.exists() and not Path(file).is_relative_to(path)
    ]
    if hidden:
        meant = f"; {hidden[0]} is hidden by it: rename yours"
    return f"cannot be imported: {file} has no {attribute}{meant}"
