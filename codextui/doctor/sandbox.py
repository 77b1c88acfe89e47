"""Checks whether Codex's sandbox works: a command may write in its folder, and not outside of it.

`codex sandbox -P :workspace` runs a command as a thread with the sandbox `workspace-write` would
(0.153.4 to 0.171.0). On Linux it is made by bubblewrap: the `bwrap` on `PATH`, otherwise the one
that came with Codex, which needs user namespaces that are not privileged.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from codextui.codex.binary import CodexBinary
from codextui.config import paths
from codextui.doctor.codex import read_settings
from codextui.doctor.findings import Finding, Place, Severity, fine
from codextui.doctor.machine import Machine, is_sandboxed
from codextui.doctor.programs import Ran, run_program

TRY_TIMEOUT_S = 5.0
"""Seconds that a command in the sandbox may take."""

_SCRIPT = 'echo x > inside; echo x > "$1"'
_KERNEL = Path("/proc/sys")
_SHARED = Path("/tmp")  # noqa: S108 - where every sandbox lets its commands write
_SETTINGS: tuple[tuple[str, str, str], ...] = (
    ("user/max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=15000"),
    ("kernel/unprivileged_userns_clone", "0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        # As Codex's documentation says (developers.openai.com/codex/concepts/sandboxing).
        (
            "sudo apt install bubblewrap apparmor-profiles && sudo install -m 0644 "
            "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && "
            "sudo apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict"
        ),
    ),
)
"""Settings of the kernel: the value that forbids user namespaces, and what allows bubblewrap."""

_INSTALLERS = {
    "apt": "apt install bubblewrap",
    "dnf": "dnf install bubblewrap",
    "pacman": "pacman -S bubblewrap",
    "apk": "apk add bubblewrap",
}


def check_sandbox(machine: Machine) -> Iterator[Finding]:
    """Run a command in Codex's sandbox, and see what it can write."""
    binary = machine.search.get().binary
    if binary is None:
        return
    if read_settings(machine.codex_home).error or is_sandboxed():
        return  # the check of the configuration, or the first finding, says so
    base = _base()
    if base is None:
        yield Finding(
            Severity.ADVICE,
            "codex.sandbox",
            "Codex's sandbox was not tried: neither the home nor the cache folder can be written",
            advice="Set HOME, or XDG_CACHE_HOME, to a folder of yours.",
        )
        return
    with tempfile.TemporaryDirectory(prefix="codextui-doctor-", dir=base) as folder:
        tried = _try_sandbox(machine, binary, Path(folder))
    yield tried
    if sys.platform == "linux":
        yield from _find_bubblewrap(binary, is_working=tried.severity is Severity.OK)


def _base() -> Path | None:
    """Return a folder to try it in. It is not in the folder of temporary files."""
    folders = (paths.cache_dir().parent, Path.home(), Path("/var/tmp"))  # noqa: S108 - mkdtemp
    shared = (_SHARED.resolve(), Path(tempfile.gettempdir()).resolve())
    for folder in folders:
        known = folder.resolve()
        is_usable = known.is_dir() and os.access(known, os.W_OK | os.X_OK)
        if is_usable and not any(known.is_relative_to(one) for one in shared):
            return known
    return None


def _try_sandbox(machine: Machine, binary: CodexBinary, folder: Path) -> Finding:
    workspace, outside = folder / "workspace", folder / "outside"
    workspace.mkdir()
    environment = machine.codex_environment
    if not machine.codex_home.is_dir():
        environment["CODEX_HOME"] = str(folder)  # Codex would make its own
    ran = run_program(
        (
            *(str(binary.path), "sandbox", "-P", ":workspace", "-C", str(workspace), "--"),
            *("/bin/sh", "-c", _SCRIPT, "sh", str(outside)),
        ),
        timeout_s=TRY_TIMEOUT_S,
        env=environment,
        cwd=workspace,
    )
    return _judge(ran, wrote_inside=(workspace / "inside").exists(), wrote_outside=outside.exists())


def _judge(ran: Ran, *, wrote_inside: bool, wrote_outside: bool) -> Finding:
    if wrote_outside:
        return Finding(
            Severity.PROBLEM,
            "codex.sandbox",
            "Codex's sandbox confines nothing: a command wrote outside of its folder",
            advice="Do not let agents run commands here without asking (approval_policy "
            '"untrusted"), and see `codex doctor`.',
        )
    if wrote_inside:
        what = "Codex's sandbox works: a write in the folder is let through, one outside refused"
        return fine("codex.sandbox", what)
    if "unexpected argument" in ran.errors or "unrecognized subcommand" in ran.errors:
        found = "this Codex has no `codex sandbox -P`: whether its sandbox works was not tried"
        return Finding(Severity.ADVICE, "codex.sandbox", found, advice="See `codex doctor`.")
    reason = ran.errors.splitlines()[-1] if ran.errors else f"exit code {ran.code}"
    path, command = _forbidden()
    return Finding(
        Severity.PROBLEM,
        "codex.sandbox",
        f"no command can run in Codex's sandbox: {reason}",
        Place(path) if path else None,
        advice="Every command of an agent fails, or asks to run without a sandbox."
        + (" Allow user namespaces, which bubblewrap needs." if command else ""),
        command=command or _install_command(),
    )


def _forbidden() -> tuple[Path | None, str]:
    """Return the setting of the kernel that forbids user namespaces, and what allows them."""
    for name, forbids, command in _SETTINGS:
        with suppress(OSError):
            if (_KERNEL / name).read_text(encoding="ascii").strip() == forbids:
                return _KERNEL / name, command
    return None, ""


def _find_bubblewrap(binary: CodexBinary, *, is_working: bool) -> Iterator[Finding]:
    on_path = shutil.which("bwrap")
    bundled = binary.path.parent.parent / "codex-resources" / "bwrap"
    if on_path:
        yield fine("codex.bubblewrap", "bubblewrap is installed", Path(on_path))
    elif os.access(bundled, os.X_OK):
        yield fine("codex.bubblewrap", "bubblewrap is the one that came with Codex", bundled)
    elif not is_working:
        yield Finding(
            Severity.PROBLEM,
            "codex.bubblewrap",
            "there is no bubblewrap (bwrap), neither on PATH nor beside this Codex",
            advice="Install bubblewrap with the package manager of this system.",
            command=_install_command(),
        )


def _install_command() -> str:
    """Return what installs bubblewrap here, empty where nothing is known to."""
    for tool, command in _INSTALLERS.items():
        if shutil.which(tool):
            return f"sudo {command}"
    return ""
