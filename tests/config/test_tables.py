"""Tables that dataclasses describe, and the lines of mistakes in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest

from codextui.config.readers import integer_between, list_of, one_of, read_string
from codextui.config.tables import (
    ConfigFile,
    Table,
    TableReader,
    find_syntax_mistake,
    keys_of,
)
from codextui.errors import ConfigInvalid


@dataclass(frozen=True, slots=True)
class Kennel:
    size: Annotated[int, integer_between(1, 9)] = 2
    colours: Annotated[tuple[str, ...], list_of(one_of(("red", "blue")))] = ()


def read_toys(table: Table) -> dict[str, int]:
    return table.read_entries(lambda _, value: integer_between(0, 5)(value))


@dataclass(frozen=True, slots=True)
class Dog:
    name: Annotated[str, read_string] = "Rex"
    kennel: Kennel = Kennel()
    toys: Annotated[Mapping[str, int], TableReader(read_toys)] = field(default_factory=dict)
    age: int = 0  # not a key


@dataclass(frozen=True, slots=True)
class File:
    dog: Dog = Dog()


def read(text: str) -> File:
    file = ConfigFile(text, "dogs.toml")
    result = file.root.build(File)
    file.check()
    return result


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        read(text)
    return str(caught.value).splitlines()


def test_annotated_fields_and_dataclasses_are_the_keys() -> None:
    assert list(keys_of(Dog)) == ["name", "kennel", "toys"]


def test_a_table_becomes_the_dataclass_that_describes_it() -> None:
    text = '[dog]\nname = "Ida"\nkennel = { size = 3, colours = ["red"] }\ntoys.ball = 2\n'
    assert read(text) == File(Dog("Ida", Kennel(3, ("red",)), {"ball": 2}))
    assert read("") == File()


def test_mistakes_on_every_level_are_reported_together() -> None:
    text = (
        '[dog]\nnam = "Ida"\nage = 3\ntoys.ball = 9\n[dog.kennel]\nsize = 0\ncolours = ["green"]\n'
    )
    assert problems(text) == [
        "dogs.toml:2: dog.nam is no key of [dog]; did you mean name?",
        "dogs.toml:3: dog.age is no key of [dog]; there are name, kennel, toys",
        "dogs.toml:4: dog.toys.ball must be a whole number from 0 to 5, not 9",
        "dogs.toml:6: dog.kennel.size must be a whole number from 1 to 9, not 0",
        "dogs.toml:7: dog.kennel.colours must be one of red, blue, not 'green'",
    ]


def test_a_value_in_place_of_a_table_is_reported_once() -> None:
    assert problems("[dog]\nkennel = 3\n") == [
        "dogs.toml:2: dog.kennel must be a table; write its keys under [dog.kennel]"
    ]
    assert problems("dog = 3\n") == ["dogs.toml:1: dog must be a table; write its keys under [dog]"]


def test_keys_that_are_read_elsewhere_are_no_mistakes() -> None:
    file = ConfigFile("[dog]\n[cat]\n[bird]\n")
    file.root.build(File, others=("cat",))
    assert list(map(str, file.problems)) == [
        "config.toml:3: bird is no section; there are [dog], [cat]"
    ]


def test_subtables_skips_and_reports_what_is_not_a_table() -> None:
    file = ConfigFile("[a]\nx = 1\n[b]\n")
    table = Table(file, "", {**file.root.values, "c": 3})
    assert [name for name, _ in table.subtables("must be a table: [{key}], not {value}")] == [
        "a",
        "b",
    ]
    assert list(map(str, file.problems)) == ["config.toml:1: c must be a table: [c], not 3"]


def test_a_missing_file_is_read_as_an_empty_one(tmp_path: Path) -> None:
    assert ConfigFile.load(tmp_path / "none.toml").root.values == {}
    assert ConfigFile.load(None).root.values == {}


def test_a_loaded_file_knows_its_folder_and_its_name(tmp_path: Path) -> None:
    path = tmp_path / "dogs.toml"
    path.write_text("dog = 1\n")
    file = ConfigFile.load(path)
    file.root.build(File)
    assert file.folder == tmp_path
    assert str(file.problems[0]).startswith(f"{path}:1: ")


@pytest.mark.parametrize(
    ("text", "place"),
    [("[ui", "1: is no TOML: "), ("a = 1\nb = [\n", "2: is no TOML: "), ("\na =", "2: is no TOML")],
)
def test_a_text_that_is_no_toml_is_refused_with_the_line(text: str, place: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        ConfigFile(text, "dogs.toml")
    assert str(caught.value).startswith(f"dogs.toml:{place}")
    mistake = find_syntax_mistake(text, "dogs.toml")
    assert str(mistake) == str(caught.value)
    assert find_syntax_mistake("a = 1", "dogs.toml") is None
