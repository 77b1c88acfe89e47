"""What differs on the disk from git's commit, read so that nothing of the repository is run.

A repository's configuration names programs: a file system monitor, diff drivers, filters, hooks,
and whatever fetches missing objects. An agent may have written that configuration. So git compares
with a directory of ours in place of the repository's own: it has the repository's objects and a
copy of its index, and no configuration but a few plain values.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import stat
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from codextui.errors import ServerRefused
from codextui.text.figures import format_count
from codextui.text.sanitize import one_line

_MAX_POINTER = 4096
_MAX_INDEX = 256 * 1024 * 1024
_MAX_EXCLUDE = 1024 * 1024
_MAX_SMALL = 64 * 1024
_BIG_FILE = "4m"
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHA1_LENGTH = 40
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_EMPTY_BLOBS = {
    40: "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    64: "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
}
_VALUES = {
    "core.autocrlf": ("true", "false", "input"),
    "core.eol": ("lf", "crlf", "native"),
    "core.filemode": ("true", "false"),
    "core.ignorecase": ("true", "false"),
    "core.symlinks": ("true", "false"),
}
_READ = f"^({'|'.join((*_VALUES, 'core.excludesfile'))})$".replace(".", r"\.")
_DIFF = (
    *("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", "-l400"),
    # git would run `git status` in a submodule, with that one's configuration.
    *("--ignore-submodules=dirty", "--submodule=short", "--src-prefix=a/", "--dst-prefix=b/"),
)


@dataclass(frozen=True)
class TreeLimits:
    """Bounds of what is read of a working tree.

    Attributes:
        timeout_s: seconds after which git is given up.
        max_bytes: bytes of the diff.
        max_untracked: files that git does not know.
    """

    timeout_s: float = 15.0
    max_bytes: int = 2_000_000
    max_untracked: int = 500


@dataclass(frozen=True)
class WorkingTree:
    """What differs on the disk.

    Attributes:
        root: the folder that git's repository is in.
        base: the commit that it is compared with, empty if there is none yet.
        patch: a unified diff; files that git does not know are new ones.
        notes: sentences about it.
    """

    root: str
    base: str
    patch: str
    notes: tuple[str, ...] = ()


async def read_working_tree(
    folder: str, *, against: str = "", limits: TreeLimits | None = None
) -> WorkingTree:
    """Compare the repository of a folder, as it is on the disk, with its commit.

    Args:
        folder: the folder, or one below it.
        against: a folder of the same repository in another worktree: both are compared with the
            commit where they parted. Where there is none, it is the folder's own commit.
        limits: bounds.

    Raises:
        ServerRefused: the folder is not there or in no git repository, git is missing, fails or
            takes too long.
    """
    limits = limits or TreeLimits()
    try:
        async with asyncio.timeout(limits.timeout_s):
            repository = await asyncio.to_thread(_find_repository, folder)
            other = await asyncio.to_thread(_find_repository, against) if against else None
            async with _private_directory(repository) as git:
                return await _compare(git, repository, other, limits)
    except TimeoutError:
        waited = f"{limits.timeout_s:g} s"
        raise ServerRefused(f"git was not done in {folder} after {waited}") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ServerRefused(f"{folder} cannot be compared: {reason}") from error


async def _compare(
    git: _Git, repository: _Repository, other: _Repository | None, limits: TreeLimits
) -> WorkingTree:
    base, notes = git.head, []
    is_worktree = other is not None and other.root != repository.root
    if other is not None and is_worktree and other.common == repository.common and git.head:
        base = await _merge_base(git, other)
        notes.append(
            f"Since {base[:10]}, where both parted"
            if base
            else f"Nothing is common to both: since its own commit {git.head[:10]}"
        )
        base = base or git.head
    untracked, is_more = await _add_untracked(git, limits)
    compared = await git.run(*_DIFF, base or _EMPTY_TREE, "--", max_bytes=limits.max_bytes)
    patch = compared.text
    if compared.is_cut:
        patch = patch[: patch.rfind("\n") + 1]
        notes.append(f"Only its first {format_count(limits.max_bytes)} bytes: the rest is cut")
    if is_more:
        notes.append(f"Only {untracked} of the files that git does not know")
    return WorkingTree(str(repository.root), base, patch, tuple(notes))


async def _merge_base(git: _Git, other: _Repository) -> str:
    """Return the commit where two worktrees parted; empty if there is none."""
    head = await _read_head(other, git.environment, git.folder)
    if not head:
        return ""
    found = await git.run("merge-base", git.head, head, may_fail=True)
    commit = found.text.strip()
    return commit if _COMMIT.fullmatch(commit) else ""


async def _add_untracked(git: _Git, limits: TreeLimits) -> tuple[int, bool]:
    """Add files that git does not know to our index; return their number, and whether some miss."""
    size = (limits.max_untracked + 1) * os.pathconf("/", "PC_PATH_MAX")
    listed = await git.run(
        "ls-files", "--others", "--exclude-standard", "-z", max_bytes=size, may_fail=False
    )
    *names, _ = listed.data.split(b"\0")
    # A name with a slash at its end is another repository's.
    files = [name for name in names if not name.endswith(b"/")]
    blob = _EMPTY_BLOBS[len(git.head or _EMPTY_TREE)].encode()
    added = files[: limits.max_untracked]
    entries = b"".join(b"100644 %s 0\t%s\0" % (blob, name) for name in added)
    if entries:
        await git.run("update-index", "-z", "--index-info", stdin=entries)
    return len(added), listed.is_cut or len(files) > len(added)


# Repositories.


@dataclass(frozen=True)
class _Repository:
    """A repository: the folder of its files, git's directory there, and that of all worktrees."""

    root: Path
    directory: Path
    common: Path


def _find_repository(folder: str) -> _Repository:
    """Return the repository of a folder, as git's own files say. Raises ServerRefused."""
    start = Path(folder)
    if not folder or not start.is_dir():
        raise ServerRefused(f"{folder or 'its folder'} is not there, where the server runs")
    start = start.resolve()
    for root in (start, *start.parents):
        if (directory := _git_directory(root)) is not None:
            pointer = _read_small(directory / "commondir").strip()
            common = (directory / pointer).resolve() if pointer else directory
            if "\n" in str(common):
                raise ServerRefused(f"{folder!a} has a line break in its name")
            return _Repository(root, directory, common)
    raise ServerRefused(f"{folder} is in no git repository")


def _git_directory(root: Path) -> Path | None:
    git = root / ".git"
    if git.is_dir():
        return git if (git / "HEAD").exists() else None
    if not git.is_file():
        return None
    pointer = _read_small(git).strip()
    if not pointer.startswith("gitdir:"):
        raise ServerRefused(f"{git} is no pointer to a git repository")
    return (root / pointer.removeprefix("gitdir:").strip()).resolve()


def _read_small(path: Path) -> str:
    """Return the text of a small file; empty if there is none, or if it is another kind of file."""
    with suppress(OSError), _open_regular(path) as file:
        return file.read(_MAX_POINTER).decode("utf-8", "surrogateescape")
    return ""


def _open_regular(path: Path) -> BinaryIO:
    """Open a regular file; a pipe would make us wait. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(2, "no regular file", str(path))
    return os.fdopen(descriptor, "rb")


# Our directory.


@asynccontextmanager
async def _private_directory(repository: _Repository) -> AsyncIterator[_Git]:
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="codextui-changes-"))
    try:
        environment = _environment(folder)
        head = await _read_head(repository, environment, folder)
        values = await _read_values(repository, folder)
        await asyncio.to_thread(_fill, folder, repository, head, values)
        yield _Git(folder, repository.root, head, environment)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _environment(home: Path) -> dict[str, str]:
    """Return the environment of git: nothing of the user's or the system's configuration."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return {
        "PATH": os.pathsep.join(folder for folder in folders if folder.startswith("/")),
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_PAGER": "cat",
        "LC_ALL": "C",
    }


async def _read_head(repository: _Repository, environment: Mapping[str, str], folder: Path) -> str:
    """Return the commit that is checked out, empty if there is none yet."""
    arguments = ("rev-parse", "--verify", "--quiet", "HEAD")
    found = await _run_in(repository, arguments, environment, folder)
    head = found.text.strip()
    if found.returncode == 0 and _COMMIT.fullmatch(head):
        return head
    if found.problem:
        raise ServerRefused(f"git in {repository.root}: {found.problem}")
    return ""


async def _read_values(repository: _Repository, folder: Path) -> dict[str, str]:
    """Return the plain values that say how files are compared, and which files are ignored."""
    environment = _environment(folder)
    for name in ("HOME", "XDG_CONFIG_HOME"):
        if (own := os.environ.get(name)) is not None:
            environment[name] = own
        else:
            del environment[name]
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"):
        del environment[name]
    arguments = ("config", "--show-scope", "-z", "--get-regexp", _READ)
    found = await _run_in(repository, arguments, environment, folder)
    return _parse_values(found.text, environment)


def _parse_values(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    excludes = str(Path(environment.get("XDG_CONFIG_HOME") or "~/.config") / "git/ignore")
    parts = iter(text.split("\0"))
    for scope, pair in zip(parts, parts, strict=False):
        name, _, value = pair.partition("\n")
        if name == "core.excludesfile" and scope in ("global", "system"):
            excludes = value
        elif value.lower() in _VALUES.get(name, ()):
            values[name] = value.lower()
    path = Path(excludes).expanduser()
    return {**values, "core.excludesfile": str(path)} if path.is_absolute() else values


async def _run_in(
    repository: _Repository,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
) -> _Output:
    """Run git on the repository itself: only to read its references or its configuration."""
    own = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "--no-pager")
    where = (f"--git-dir={repository.directory}", *own)
    return await _run_git((*where, *arguments), environment, folder, max_bytes=_MAX_SMALL)


def _fill(folder: Path, repository: _Repository, head: str, values: Mapping[str, str]) -> None:
    """Make the directory that git compares with."""
    for name in ("objects/info", "refs", "info"):
        (folder / name).mkdir(parents=True)
    (folder / "HEAD").write_text(f"{head or 'ref: refs/heads/none'}\n")
    objects = os.fsencode(repository.common / "objects")
    (folder / "objects/info/alternates").write_bytes(objects + b"\n")
    is_long = len(head) > _SHA1_LENGTH
    lines = ["[core]", f"repositoryformatversion = {int(is_long)}", "bare = false"]
    lines += [f"bigFileThreshold = {_BIG_FILE}"]
    lines += [f"{name.partition('.')[2]} = {_quote(value)}" for name, value in values.items()]
    lines += ["[extensions]", "objectformat = sha256"] if is_long else []
    (folder / "config").write_text("\n".join([*lines, ""]), errors="surrogateescape")
    _copy(repository.directory / "index", folder / "index", _MAX_INDEX)
    for shared in repository.directory.glob("sharedindex.*"):
        _copy(shared, folder / shared.name, _MAX_INDEX)
    _copy(repository.common / "info/exclude", folder / "info/exclude", _MAX_EXCLUDE)
    _copy(repository.common / "shallow", folder / "shallow", _MAX_INDEX)


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _copy(source: Path, target: Path, limit: int) -> None:
    """Copy a regular file if there is one, with its time: by that git trusts an index."""
    try:
        file = _open_regular(source)
    except FileNotFoundError:
        return
    with file, target.open("wb") as copy:
        status = os.fstat(file.fileno())
        if status.st_size > limit:
            raise ServerRefused(f"{source} has more than {format_count(limit)} bytes")
        shutil.copyfileobj(file, copy)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


# Git.


@dataclass(frozen=True)
class _Output:
    """What git wrote: `problem` is its first line on standard error."""

    returncode: int
    data: bytes
    is_cut: bool
    problem: str

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", "replace")


@dataclass(frozen=True)
class _Git:
    """Runs git on our directory and the files of a repository."""

    folder: Path
    root: Path
    head: str
    environment: Mapping[str, str]

    async def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        max_bytes: int = _MAX_SMALL,
        may_fail: bool = False,
    ) -> _Output:
        """Run git. Raises ServerRefused where it fails, unless it may."""
        where = (f"--git-dir={self.folder}", f"--work-tree={self.root}", "--no-pager")
        found = await _run_git(
            (*where, *arguments), self.environment, self.folder, stdin=stdin, max_bytes=max_bytes
        )
        if found.returncode and not found.is_cut and not may_fail:
            said = found.problem or f"it ended with {found.returncode}"
            raise ServerRefused(f"git in {self.root}: {said}")
        return found


async def _run_git(
    arguments: Iterable[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    stdin: bytes = b"",
    max_bytes: int,
) -> _Output:
    """Run git in a folder of ours. Raises ServerRefused if there is no git."""
    pipe = asyncio.subprocess.PIPE
    start = partial(asyncio.create_subprocess_exec, start_new_session=True, limit=_MAX_SMALL)
    try:
        process = await start(
            *("git", *arguments),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=environment,
            cwd=folder,
        )
    except FileNotFoundError:
        raise ServerRefused("git is not installed where the server runs") from None
    try:
        return await _communicate(process, stdin, max_bytes)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _communicate(
    process: asyncio.subprocess.Process, stdin: bytes, max_bytes: int
) -> _Output:
    given, out, err = process.stdin, process.stdout, process.stderr
    if given is None or out is None or err is None:
        raise OSError(0, "git has no pipes")
    errors = asyncio.create_task(_read(err, _MAX_SMALL, drains=True))
    writing = asyncio.create_task(_write(given, stdin))
    try:
        data = await _read(out, max_bytes)
        if len(data) > max_bytes:
            return _Output(0, data[:max_bytes], True, "")
        said = (await errors).decode("utf-8", "replace").strip()
        returncode = await process.wait()
    finally:
        errors.cancel()
        writing.cancel()
    return _Output(returncode, data, False, one_line(said.partition("\n")[0], 300))


async def _write(stream: asyncio.StreamWriter, data: bytes) -> None:
    with suppress(ConnectionError):
        stream.write(data)
        await stream.drain()
        stream.close()


async def _read(stream: asyncio.StreamReader, limit: int, *, drains: bool = False) -> bytes:
    """Read to the end of a stream, or until there is more than `limit`.

    With `drains`, the rest is read too, and dropped.
    """
    data = bytearray()
    while (drains or len(data) <= limit) and (part := await stream.read(_MAX_SMALL)):
        data += part if len(data) <= limit else b""
    return bytes(data)
