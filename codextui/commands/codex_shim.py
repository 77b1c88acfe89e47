"""The stand-in for `codex` whose `codex exec` runs its turns on the shared server.

`codextui shim-path` prints its path, for programs that start Codex themselves, such as the Codex
SDKs and the Agents SDK. Whatever is no turn of `codex exec` is left to the genuine Codex.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from codextui.codex.binary import SHIM_MARK, find_codex
from codextui.commands.exec_arguments import LeftToCodex, parse_exec
from codextui.commands.output import print_json, print_line
from codextui.config import paths
from codextui.config.files import replace_file
from codextui.config.schema import load_config
from codextui.errors import CodextuiError, ConfigInvalid
from codextui.text.sanitize import sanitize

SERVER_VARIABLE = "CODEXTUI_SERVER"
"""The environment variable that names the shared server, whatever the shim was made for."""

_SCRIPT = """\
#!/bin/sh
# {mark}: `codextui shim-path` writes it; its turns run on codextui's shared server.
[ -z "${{CODEXTUI_FINDS_CODEX-}}" ] || exit 1
exec {command} -- "$@"
"""


def print_path(options: argparse.Namespace) -> int:
    """Print the path of the shim, which is written where it is missing or another."""
    path = write_shim(options.server, options.config)
    if options.json:
        print_json({"path": str(path), "server": options.server})
    else:
        print_line(str(path))
    return 0


def write_shim(server: str, config: Path | None) -> Path:
    """Write the shim for a server, and return its path.

    The path is the same for one Python environment, server and configuration.
    """
    if not sys.executable:
        raise ConfigInvalid("this Python does not know its own path, so no shim can start it")
    # The folder that it is started in must not lend it modules.
    command = [sys.executable, "-P", "-m", "codextui.commands.codex_shim", "--server", server]
    if config is not None:
        command += ["--config", str(config.absolute())]
    digest = hashlib.sha256(os.fsencode("\0".join(command))).hexdigest()[:12]
    path = paths.shims_dir() / digest / "codex"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    script = _SCRIPT.format(mark=SHIM_MARK, command=shlex.join(command))
    if not path.is_file() or path.read_text(errors="replace") != script:
        replace_file(path, script.encode(), new_mode=0o700)
    path.chmod(0o700)
    return path


def main(words: Sequence[str] | None = None) -> int:
    """Run what follows `--`, as `codex` would, and return the exit code."""
    parser = argparse.ArgumentParser(prog="codex", add_help=False)
    parser.add_argument("--server", default=paths.DEFAULT_SERVER)
    parser.add_argument("--config", type=Path)
    given = list(sys.argv[1:] if words is None else words)
    own, separator, codex_words = _partition(given)
    if not separator:
        raise SystemExit("codextui: the shim is started by what `codextui shim-path` prints")
    options = parser.parse_args(own)
    server = os.environ.get(SERVER_VARIABLE) or options.server
    try:
        try:
            return _run(codex_words, server, options.config)
        except LeftToCodex as left:
            _run_codex(codex_words, options.config, left.reason)
    except CodextuiError as error:
        print(f"codextui: {sanitize(str(error))}", file=sys.stderr)  # noqa: T201
        return 1


def _partition(words: list[str]) -> tuple[list[str], bool, list[str]]:
    if "--" not in words:
        return words, False, []
    index = words.index("--")
    return words[:index], True, words[index + 1 :]


def _run(words: Sequence[str], server: str, config: Path | None) -> int:
    arguments = parse_exec(words)
    from codextui.commands.exec import Place, run_exec  # noqa: PLC0415 - Codex may take over

    return run_exec(arguments, Place(paths.check_server_name(server), config))


def _run_codex(words: Sequence[str], config: Path | None, reason: str) -> NoReturn:
    """Become the genuine Codex. Raises CodexMissing."""
    if reason:
        note = f"codextui: left to Codex itself, out of the console's sight: {reason}"
        print(sanitize(note), file=sys.stderr, flush=True)  # noqa: T201
    codex = load_config(paths.config_path(config)).codex
    binary = find_codex(codex.binary)
    if codex.home is not None:
        os.environ.setdefault("CODEX_HOME", str(codex.home))
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execv(binary.path, ["codex", *words])  # noqa: S606 - the user's own Codex


if __name__ == "__main__":
    sys.exit(main())
