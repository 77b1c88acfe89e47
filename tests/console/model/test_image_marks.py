"""`@image:PATH` in a prompt, and pasted paths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.image_marks import describe_images, image_mark, split_images


@pytest.mark.parametrize(
    ("text", "prompt", "paths"),
    [
        ("look", "look", ()),
        ("look at @image:/a.png please", "look at [Image #1] please", ("/a.png",)),
        ('@image:"/a b.png"', "[Image #1]", ("/a b.png",)),
        ("@image:/a.png\n@image:/b.png", "[Image #1]\n[Image #2]", ("/a.png", "/b.png")),
        ("@image:/a.png @image:/a.png", "[Image #1] [Image #1]", ("/a.png",)),
        ("me@image:/a.png", "me@image:/a.png", ()),
        ("@image: /a.png", "@image: /a.png", ()),
        ('@image:"/a.png', '@image:"/a.png', ()),
    ],
)
def test_marks_become_the_names_that_codex_gives_images(
    text: str, prompt: str, paths: tuple[str, ...]
) -> None:
    assert split_images(text) == (prompt, paths)


@pytest.mark.parametrize(
    ("pasted", "mark"),
    [
        ("/tmp/a.png", "@image:/tmp/a.png"),
        ("/tmp/a.PNG\n", "@image:/tmp/a.PNG"),
        ("'/tmp/a b.jpg' ", '@image:"/tmp/a b.jpg"'),
        ('"/tmp/a b.jpg"', '@image:"/tmp/a b.jpg"'),
        (r"/tmp/a\ b\(1\).webp", '@image:"/tmp/a b(1).webp"'),
        ("file:///tmp/a%20b.gif", '@image:"/tmp/a b.gif"'),
        ("~/a.jpeg", "@image:~/a.jpeg"),
        ("a.png", ""),
        ("https://x.org/a.png", ""),
        ("/tmp/a.txt", ""),
        ("/tmp/a.png /tmp/b.txt", ""),
        ("/tmp/a.png\n/tmp/b.png", ""),
        ('/tmp/a"b.png', ""),
        ("", ""),
        ("'", ""),
    ],
)
def test_a_pasted_path_of_an_image_becomes_a_mark(pasted: str, mark: str) -> None:
    assert image_mark(pasted) == mark


@given(st.text())
def test_every_mark_can_be_read_again(text: str) -> None:
    if mark := image_mark(f"/{text}.png"):
        prompt, (path,) = split_images(f"x {mark} y")
        assert prompt == "x [Image #1] y"
        assert path.endswith(".png")


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, ""),
        (1, "with the image 0.png"),
        (2, "with the image 0.png and another image"),
        (3, "with the image 0.png and 2 more images"),
    ],
)
def test_the_images_of_a_text_are_described(count: int, words: str) -> None:
    assert describe_images(" ".join(f"@image:/x/{n}.png" for n in range(count))) == words
