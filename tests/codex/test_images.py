"""Files that may go with a prompt as images."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codextui.codex.images import ImageLimits, check_images, image_problem
from codextui.errors import ConfigInvalid

PNG = b"\x89PNG\r\n\x1a\nrest"


@pytest.mark.parametrize(
    "head", [PNG, b"\xff\xd8\xff\xe0rest", b"GIF89arest", b"GIF87arest", b"RIFF\0\0\0\0WEBPVP8 "]
)
def test_an_image_is_known_by_its_first_bytes(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "no suffix"
    path.write_bytes(head)
    assert check_images([str(path)]) == (str(path),)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"BM rest", b"RIFF\0\0\0\0WAVEfmt ", b"<svg></svg>", b"\x89PNG"]
)
def test_another_file_is_refused_whatever_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "shot.png"
    path.write_bytes(content)
    with pytest.raises(ConfigInvalid, match=r"shot\.png' is no PNG, JPEG, GIF or WebP image"):
        check_images([str(path)])


def test_the_problem_of_a_path_is_named(tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(PNG + bytes(100))
    os.mkfifo(tmp_path / "pipe.png")
    limits = ImageLimits(max_bytes=50)
    assert image_problem("shot.png") == "has no absolute path"
    assert image_problem(str(tmp_path / "gone.png")) == "does not exist"
    assert image_problem(str(tmp_path)) == "cannot be read (Is a directory)"
    assert image_problem(str(tmp_path / "pipe.png")) == "cannot be read (not a file)"
    assert image_problem("/a\0b.png") == "cannot be read (embedded null byte)"
    assert (
        image_problem(str(tmp_path / "large.png"), limits) == "has 112 bytes, and 50 are the most"
    )


def test_there_may_be_so_many_images(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    limits = ImageLimits(max_images=2)
    assert len(check_images([str(path)] * 2, limits)) == 2
    with pytest.raises(ConfigInvalid, match="3 images are too many"):
        check_images([str(path)] * 3, limits)
