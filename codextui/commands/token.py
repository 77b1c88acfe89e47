"""`codextui token`: what HTTP clients must show."""

from __future__ import annotations

import argparse

from codextui import paths
from codextui.commands.output import emit, show


def print_token(options: argparse.Namespace) -> int:
    """Print the token of the server's HTTP; with `--new` after replacing it."""
    from codextui.server.token import TokenFile  # noqa: PLC0415 - the server's half

    path = paths.token_path(options.server)
    file = TokenFile(path)
    token = file.replace() if options.new else file.read()
    if options.json:
        emit({"token": token, "file": str(path)})
    else:
        show(token)
    return 0
