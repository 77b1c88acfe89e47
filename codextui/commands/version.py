"""`codextui --version --codex`: the Codex that is found, and the versions that work."""

from __future__ import annotations

import argparse

import codextui
from codextui.codex.binary import ORIGIN_TEXTS, CodexSearch, PassedOver, search_codex
from codextui.codex.versions import (
    NEWEST,
    OLDEST,
    TESTED,
    Support,
    format_version,
    missing_features,
    support_of,
    supported_range,
)
from codextui.commands.output import print_json, print_line
from codextui.config import paths
from codextui.config.schema import load_config
from codextui.jsonrpc.fields import JsonObject
from codextui.text.sanitize import sanitize


def print_versions(options: argparse.Namespace) -> int:
    """Print codextui's version; with `--codex` which Codex versions work, and which is found.

    Returns:
        The exit code: 1 where no Codex can be used.

    Raises:
        ConfigInvalid: the configuration cannot be used.
    """
    if not options.version_codex:
        print_json({"version": codextui.__version__})
        return 0
    config = load_config(paths.config_path(getattr(options, "config", None)))
    search = search_codex(config.codex.binary)
    if options.version_json:
        print_json(_to_json(search))
    else:
        _print_text(search)
    return 0 if search.binary is not None else 1


def _to_json(search: CodexSearch) -> JsonObject:
    return {
        "version": codextui.__version__,
        "supported": {
            "oldest": format_version(OLDEST),
            "newest": format_version(NEWEST),
            "tested": [format_version(version) for version in TESTED],
        },
        "codex": _found_to_json(search),
        "problem": search.problem,
        "passed_over": [_passed_over_to_json(one) for one in search.passed_over],
    }


def _found_to_json(search: CodexSearch) -> JsonObject | None:
    binary = search.binary
    if binary is None:
        return None
    return {
        "version": binary.version_text,
        "path": str(binary.path),
        "origin": binary.origin,
        "support": support_of(binary.version).value,
        "missing": [feature.text for feature in missing_features(binary.version)],
    }


def _passed_over_to_json(one: PassedOver) -> JsonObject:
    return {
        "path": str(one.path),
        "origin": one.origin,
        "version": one.version,
        "reason": one.reason,
    }


def _print_text(search: CodexSearch) -> None:
    tested = ", ".join(format_version(version) for version in TESTED)
    print_line(f"codextui {codextui.__version__}")
    print_line(f"works with Codex {supported_range()} (tested: {tested})")
    binary = search.binary
    if binary is None:
        print_line(f"\n{sanitize(search.problem)}")
    else:
        print_line(f"\nCodex {binary.version_text}, {_support_text(support_of(binary.version))}")
        print_line(f"  {sanitize(str(binary.path))}, {ORIGIN_TEXTS[binary.origin]}")
        for feature in missing_features(binary.version):
            print_line(f"  without {feature.text}: {format_version(feature.since)} has it")
    if binary is not None and search.passed_over:
        print_line("\npassed over")
        for one in search.passed_over:
            version = one.version or "no version"
            print_line(f"  {version}, {sanitize(str(one.path))}, {ORIGIN_TEXTS[one.origin]}")
            print_line(f"    {sanitize(one.reason)}")


def _support_text(support: Support) -> str:
    match support:
        case Support.OLDER:
            return "too old: it is refused"
        case Support.SUPPORTED:
            return "supported"
        case Support.NEWER:
            return "newer than the tested ones: it is used, but not tested"
