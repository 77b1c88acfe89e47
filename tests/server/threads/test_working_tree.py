"""A working tree as git sees it: what it says, its bounds, and that it runs nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from codextui.errors import ServerRefused
from codextui.server.threads.working_tree import TreeLimits, read_working_tree

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the machine's own configuration of git out."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


def git(folder: Path, *arguments: str, fails: bool = False) -> str:
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=not fails,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout.strip()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository with a commit."""
    folder = tmp_path / "shop"
    (folder / "src").mkdir(parents=True)
    git(folder, "init", "-q")
    for name in ("cost.py", "old.py", "gone.py", "src/a b.txt"):
        (folder / name).write_text("".join(f"{name} {number}\n" for number in range(20)))
    (folder / "logo.png").write_bytes(b"\x89PNG\0\0")
    (folder / ".gitignore").write_text("*.log\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


async def test_all_that_differs_on_the_disk_is_in_the_diff(shop: Path) -> None:
    head = git(shop, "rev-parse", "HEAD")
    before = (shop / ".git/index").read_bytes()
    (shop / "cost.py").write_text("changed\n")
    git(shop, "add", "cost.py")
    staged = (shop / ".git/index").read_bytes()
    (shop / "src/a b.txt").write_text("not staged\n")
    (shop / "gone.py").unlink()
    (shop / "old.py").rename(shop / "src/renamed.py")
    (shop / "logo.png").write_bytes(b"\x89PNG\0\1")
    (shop / "new é.py").write_text("new\n")
    (shop / "empty").touch()
    (shop / "run.sh").write_text("#!/bin/sh\n")
    (shop / "run.sh").chmod(0o755)
    (shop / "debug.log").write_text("ignored\n")
    (shop / "link").symlink_to("/etc/passwd")
    objects = sorted((shop / ".git").rglob("*"))
    tree = await read_working_tree(str(shop / "src"))
    assert (tree.root, tree.base, tree.notes) == (str(shop), head, ())
    for said in (
        "+changed\n",
        "+++ b/src/a b.txt\t\n",
        "deleted file mode 100644",
        "rename from old.py\nrename to src/renamed.py",
        "Binary files a/logo.png and b/logo.png differ",
        '"b/new \\303\\251.py"\nnew file mode 100644',
        "diff --git a/empty b/empty\nnew file mode 100644",
        "diff --git a/run.sh b/run.sh\nnew file mode 100755",
        "new file mode 120000",
        "+/etc/passwd\n\\ No newline",
    ):
        assert said in tree.patch, said
    assert "debug.log" not in tree.patch
    assert "root:" not in tree.patch
    assert staged != before
    assert (shop / ".git/index").read_bytes() == staged
    assert sorted((shop / ".git").rglob("*")) == objects


async def test_nothing_changed_and_nothing_committed_are_no_errors(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert (await read_working_tree(str(tmp_path))).patch == ""
    (tmp_path / "first.txt").write_text("hello\n")
    tree = await read_working_tree(str(tmp_path))
    assert tree.base == ""
    assert "new file mode 100644" in tree.patch
    git(tmp_path, "add", ".")
    assert "+hello" in (await read_working_tree(str(tmp_path))).patch
    git(tmp_path, "commit", "-qm", "first")
    assert (await read_working_tree(str(tmp_path))).patch == ""


async def test_a_repository_with_long_ids_is_compared_too(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    (tmp_path / "a").write_text("one\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "a").write_text("two\n")
    (tmp_path / "b").write_text("three\n")
    patch = (await read_working_tree(str(tmp_path))).patch
    assert "-one\n+two\n" in patch
    assert "+three\n" in patch


async def test_worktrees_are_compared_with_where_they_parted(shop: Path, tmp_path: Path) -> None:
    fork, parted = tmp_path / "fork", git(shop, "rev-parse", "HEAD")
    git(shop, "worktree", "add", "-q", str(fork))
    (fork / "cost.py").write_text("committed\n")
    git(fork, "commit", "-qam", "second")
    (fork / "old.py").write_text("written\n")
    own = await read_working_tree(str(fork))
    assert "committed" not in own.patch
    assert "+written" in own.patch
    since = await read_working_tree(str(fork), against=str(shop))
    assert since.base == parted
    assert "+committed" in since.patch
    assert "+written" in since.patch
    assert since.notes == (f"Since {parted[:10]}, where both parted",)
    other = await read_working_tree(str(shop), against=str(fork))
    assert (other.base, other.patch) == (parted, "")


async def test_another_repository_is_compared_with_its_own_commit(
    shop: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", "shop", "other")
    (other / "cost.py").write_text("other\n")
    tree = await read_working_tree(str(other), against=str(shop))
    assert "+other" in tree.patch
    assert tree.notes == ()


async def test_the_diff_and_the_new_files_are_bounded(shop: Path) -> None:
    for number in range(30):
        (shop / f"new{number}").write_text("line\n" * 100)
    limits = TreeLimits(max_bytes=4_000, max_untracked=12)
    tree = await read_working_tree(str(shop), limits=limits)
    assert len(tree.patch) <= 4_000
    assert tree.patch.endswith("\n")
    assert tree.notes == (
        "Only its first 4,000 bytes: the rest is cut",
        "Only 12 of the files that git does not know",
    )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda shop: (shop / ".git/config").write_text("[core\n"), "bad config line 1"),
        (lambda shop: (shop / ".git/HEAD").write_text("junk\n"), "not a git repository"),
        (lambda shop: (shop / ".git/index").write_bytes(b"DIRCjunk" * 9), "index"),
        (lambda shop: (shop / ".git/refs").rename(shop / ".git/r"), "not a git repository"),
        (lambda shop: (shop / ".git").rename(shop / "git"), "is in no git repository"),
        (lambda shop: shop.rename(shop.parent / "moved"), "is not there, where the server runs"),
    ],
)
async def test_what_is_wrong_is_told(shop: Path, spoil, said: str) -> None:  # type: ignore[no-untyped-def] # a lambda
    spoil(shop)
    with pytest.raises(ServerRefused, match=said) as refused:
        await read_working_tree(str(shop))
    assert "\n" not in str(refused.value)


async def test_a_missing_git_and_a_slow_one_are_told(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:relative")
    with pytest.raises(ServerRefused, match="git is not installed where the server runs"):
        await read_working_tree(str(shop))
    (programs / "git").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    (programs / "git").chmod(0o755)
    with pytest.raises(ServerRefused, match=r"git was not done in .* after 0.2 s"):
        await read_working_tree(str(shop), limits=TreeLimits(timeout_s=0.2))


# -- what an agent may have written


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A program that leaves a mark when it is run."""
    program = tmp_path / "trap"
    program.write_text(f'#!/bin/sh\necho "$0 $@" >> {tmp_path}/mark\nexit 1\n')
    program.chmod(0o755)
    return program


def spring(trap: Path) -> bool:
    """Return whether the trap was run since the last time."""
    mark = trap.parent / "mark"
    was_run = mark.exists()
    mark.unlink(missing_ok=True)
    return was_run


def test_no_trap_is_sprung_at_first(trap: Path) -> None:
    assert not spring(trap)
    subprocess.run([trap], stdin=subprocess.DEVNULL, check=False)
    assert spring(trap)
    assert not spring(trap)


HOSTILE = {
    "fsmonitor": ("core.fsmonitor", ""),
    "external diff": ("diff.external", ""),
    "diff driver": ("diff.evil.command", "*.py diff=evil\n"),
    "textconv": ("diff.evil.textconv", "*.py diff=evil\n"),
    "clean filter": ("filter.evil.clean", "* filter=evil\n"),
    "filter process": ("filter.evil.process", "* filter=evil\n"),
}


@pytest.mark.parametrize("where", [".gitattributes", ".git/info/attributes", "core.attributesFile"])
@pytest.mark.parametrize("what", HOSTILE)
async def test_nothing_that_a_repository_configures_is_run(
    shop: Path, trap: Path, what: str, where: str
) -> None:
    name, attributes = HOSTILE[what]
    (shop / "cost.py").write_text("changed\n")
    (shop / "unknown.py").write_text("new\n")
    if where.startswith("core"):
        git(shop, "config", where, str(trap.parent / "attributes"))
        where = "../attributes"
    (shop / where).write_text(attributes)
    git(shop, "config", "filter.evil.required", "true")
    git(shop, "config", name, str(trap))
    git(shop, "diff", "HEAD", fails=True)
    assert spring(trap), "git by itself would have run it"
    tree = await read_working_tree(str(shop))
    assert not spring(trap)
    assert "+changed" in tree.patch
    assert "+new" in tree.patch


async def test_no_hook_pager_or_alias_is_run(shop: Path, trap: Path) -> None:
    hooks = shop / "hooks"
    hooks.mkdir()
    for hook in ("post-index-change", "post-checkout", "reference-transaction"):
        for folder in (hooks, shop / ".git/hooks"):
            (folder / hook).unlink(missing_ok=True)
            (folder / hook).symlink_to(trap)
    for name in ("core.pager", "pager.diff", "core.editor", "core.askPass", "core.sshCommand"):
        git(shop, "config", name, str(trap))
    for alias in ("diff", "ls-files", "update-index", "config", "rev-parse"):
        git(shop, "config", f"alias.{alias}", f"!{trap}")
    git(shop, "config", "core.hooksPath", str(hooks))
    (shop / "cost.py").write_text("changed\n")
    git(shop, "update-index", "--refresh", fails=True)
    git(shop, "add", "cost.py")
    assert spring(trap), "git by itself would have run it"
    assert "+changed" in (await read_working_tree(str(shop))).patch
    assert not spring(trap)


async def test_a_submodule_runs_nothing(shop: Path, trap: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "shop", "module")
    git(shop, "submodule", "--quiet", "add", str(tmp_path / "module"), "module")
    git(shop, "commit", "-qm", "with a module")
    git(shop / "module", "config", "core.fsmonitor", str(trap))
    (shop / "module/cost.py").write_text("changed\n")
    git(shop, "diff", "HEAD")
    assert spring(trap), "git by itself would have run it"
    assert (await read_working_tree(str(shop))).patch == ""
    assert not spring(trap)


async def test_missing_objects_are_not_fetched(shop: Path, trap: Path) -> None:
    blob = git(shop, "rev-parse", "HEAD:cost.py")
    (shop / ".git/objects" / blob[:2] / blob[2:]).unlink()
    (shop / "cost.py").write_text("changed\n")
    for name, value in (
        ("core.repositoryformatversion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.url", str(shop)),
        ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", str(trap)),
    ):
        git(shop, "config", name, value)
    git(shop, "diff", "HEAD", fails=True)
    assert spring(trap), "git by itself would have run it"
    with pytest.raises(ServerRefused, match="git in"):
        await read_working_tree(str(shop))
    assert not spring(trap)


async def test_pipes_in_place_of_files_are_not_waited_for(shop: Path) -> None:
    (shop / "cost.py").unlink()
    os.mkfifo(shop / "cost.py")
    os.mkfifo(shop / "pipe")
    (shop / ".git/info/exclude").unlink()
    os.mkfifo(shop / ".git/info/exclude")
    with pytest.raises(ServerRefused, match="unsupported file type"):
        await read_working_tree(str(shop))
    (shop / ".git/index").unlink()
    os.mkfifo(shop / ".git/index")
    await read_working_tree(str(shop))


async def test_files_outside_are_not_shown_as_the_repositorys(shop: Path, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "key").write_text("secret\n")
    git(shop, "config", "core.worktree", str(secrets))
    (shop / "cost.py").write_text("changed\n")
    tree = await read_working_tree(str(shop))
    assert "secret" not in tree.patch
    assert "+changed" in tree.patch


async def test_the_users_own_list_of_ignored_files_counts(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "home/.config/git").mkdir(parents=True)
    (tmp_path / "home/.config/git/ignore").write_text("*.swp\n")
    (shop / "a.swp").write_text("x\n")
    (shop / "b.tmp").write_text("x\n")
    patch = (await read_working_tree(str(shop))).patch
    assert "a.swp" not in patch
    assert "b.tmp" in patch
    (tmp_path / "mine").write_text("*.tmp\n")
    (tmp_path / "home/.gitconfig").write_text("[core]\nexcludesFile = ~/../mine\n")
    patch = (await read_working_tree(str(shop))).patch
    assert "a.swp" in patch
    assert "b.tmp" not in patch
