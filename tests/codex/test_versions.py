"""The versions of Codex that codextui works with."""

from __future__ import annotations

import re
from pathlib import Path

import codex_versions
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.codex import versions
from codextui.codex.versions import (
    FEATURES,
    NEWEST,
    OLDEST,
    TESTED,
    Support,
    Version,
    format_version,
    missing_features,
    newer_notice,
    parse_version,
    require_supported,
    support_of,
)
from codextui.errors import CodexMissing

ROOT = Path(__file__).parents[2]
VERSIONS = st.tuples(*(st.integers(0, 999_999) for _ in range(3)))


@given(VERSIONS)
def test_a_version_is_read_as_it_is_written(version: Version) -> None:
    assert parse_version(f"codex-cli {format_version(version)}-alpha.3\n") == version


@given(VERSIONS)
def test_only_what_is_older_than_the_oldest_is_refused(version: Version) -> None:
    support = support_of(version)
    assert (support is Support.OLDER) == (version < OLDEST)
    assert (support is Support.NEWER) == (version > NEWEST)
    if support is Support.OLDER:
        with pytest.raises(CodexMissing, match=r"too old: codextui needs 0\.153\.4 or newer"):
            require_supported(version, "/bin/codex")
    else:
        require_supported(version, "/bin/codex")


def test_the_newest_version_lacks_nothing_and_each_feature_came_with_a_tested_one() -> None:
    assert missing_features(NEWEST) == ()
    assert set(missing_features(OLDEST)) == set(FEATURES)
    assert {feature.since for feature in FEATURES} <= set(TESTED)


@pytest.mark.parametrize("version", ["0.153.4", "0.163.0", "0.171.0", "", "no version"])
def test_nothing_is_noticed_about_a_version_that_is_not_newer(tmp_path: Path, version: str) -> None:
    assert newer_notice(version, tmp_path / "noticed") == ""
    assert not (tmp_path / "noticed").exists()


def test_a_newer_version_is_noticed_once(tmp_path: Path) -> None:
    noticed = tmp_path / "noticed"
    assert "Codex 0.180.0 is newer than 0.171.0" in newer_notice("0.180.0", noticed)
    assert newer_notice("0.180.0", noticed) == ""
    assert newer_notice("0.163.0", noticed) == ""
    assert newer_notice("0.180.0", noticed) == ""
    assert "Codex 0.181.0" in newer_notice("0.181.0-alpha.1", noticed)


@pytest.mark.parametrize("blocked", ["a folder", "no folder", "binary"])
def test_a_newer_version_is_noticed_where_nothing_can_be_remembered(
    tmp_path: Path, blocked: str
) -> None:
    noticed = tmp_path / "noticed"
    match blocked:
        case "a folder":
            noticed.mkdir()
        case "no folder":
            noticed = tmp_path / "none" / "noticed"
        case _:
            noticed.write_bytes(b"\xff\xfe")
    assert newer_notice("0.180.0", noticed)


def test_the_range_is_the_one_that_the_tests_install() -> None:
    assert (TESTED[0], TESTED[-1]) == (OLDEST, NEWEST)
    assert list(TESTED) == sorted(TESTED)
    assert format_version(OLDEST) == codex_versions.OLDEST
    assert format_version(NEWEST) == codex_versions.NEWEST


def test_the_readme_names_the_range() -> None:
    text = re.sub(r"\s+", " ", (ROOT / "README.md").read_text())
    assert f"Codex {versions.supported_range()}" in text
