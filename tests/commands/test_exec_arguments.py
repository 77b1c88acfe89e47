"""The command line of `codex exec`, and what is left to Codex itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.commands.exec_arguments import ExecArguments, LeftToCodex, parse_exec
from codextui.commands.exec_options import OPTIONS, Effect, Kind, Place


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("exec go", ExecArguments("go")),
        ("e go", ExecArguments("go")),
        ("exec", ExecArguments()),
        ("exec -", ExecArguments("-")),
        ("exec -- --json", ExecArguments("--json")),
        ("exec -- resume", ExecArguments("resume")),
        ("exec --json --experimental-json-not", None),
        ("exec -mo3 go", ExecArguments("go", model="o3")),
        ("exec -m=o3 go", ExecArguments("go", model="o3")),
        ("exec --model=o3 go", ExecArguments("go", model="o3")),
        ("exec --model= go", ExecArguments("go", model="")),
        ("exec -m - go", ExecArguments("go", model="-")),
        ("exec -c a=b --config c=d=e go", ExecArguments("go", (("a", "b"), ("c", "d=e")))),
        (
            "exec --enable x --disable y",
            ExecArguments(settings=(("features.x", "true"), ("features.y", "false"))),
        ),
        ("exec -i a b,c -- go", ExecArguments("go", images=("a", "b", "c"))),
        ("exec -i a go", ExecArguments(None, images=("a", "go"))),
        ("exec -i=a go", ExecArguments("go", images=("a",))),
        ("exec -i a --json go", ExecArguments("go", images=("a",), as_json=True)),
        ("exec --add-dir a --add-dir b", ExecArguments(add_dirs=("a", "b"))),
        ("exec --yolo -s read-only", ExecArguments(sandbox="read-only", bypasses=True)),
        ("exec resume ID go", ExecArguments("go", resumes=True, thread="ID")),
        ("exec resume ID", ExecArguments(None, resumes=True, thread="ID")),
        ("exec go resume ID", ExecArguments("go", resumes=True, thread="ID")),
        ("exec go resume ID on", ExecArguments("on", resumes=True, thread="ID")),
        ("exec resume --last", ExecArguments(None, resumes=True, last=True)),
        ("exec resume --last go", ExecArguments("go", resumes=True, last=True)),
        ("exec go resume --last on", ExecArguments("on", resumes=True, last=True)),
        ("exec resume --last a b", ExecArguments("b", resumes=True, last=True)),
        ("exec resume -i a go", ExecArguments(None, resumes=True, images=("a",), thread="go")),
        ("exec -m a resume -m b ID", ExecArguments(model="b", resumes=True, thread="ID")),
        (
            "exec --json resume --all ID",
            ExecArguments(as_json=True, resumes=True, thread="ID", everywhere=True),
        ),
        ("-c a=b -m o1 exec -c c=d go", ExecArguments("go", (("a", "b"), ("c", "d")), model="o1")),
        ("-m o1 exec -m o2 go", ExecArguments("go", model="o2")),
        ("-a on-request exec go", ExecArguments("go", policy="on-request")),
        ("--search exec go", ExecArguments("go")),
        ("exec --thread-source user go", ExecArguments("go")),
    ],
)
def test_words_mean_what_they_mean_to_clap(words: str, expected: ExecArguments | None) -> None:
    if expected is None:
        with pytest.raises(LeftToCodex):
            parse_exec(words.split())
    else:
        assert parse_exec(words.split()) == expected


@pytest.mark.parametrize(
    "words",
    [
        "exec a b",
        "exec -- a b",
        "exec resume a b c",
        "exec --no-such",
        "exec -x",
        "exec -5",
        "exec --sand read-only",
        "exec -s bad",
        "exec --color sometimes",
        "exec -m",
        "exec -m --json",
        "exec -m -- go",
        "exec -i",
        "exec --json=true",
        "exec --json --json",
        "exec -m a -m b",
        "exec -c novalue",
        "exec -c =value",
        "exec --last",
        "exec -a never",
        "exec resume -s read-only",
        "exec resume -C x",
        "exec fork ID",
        "exec review --uncommitted",
    ],
)
def test_what_is_not_understood_is_left_to_codex_with_a_reason(words: str) -> None:
    with pytest.raises(LeftToCodex) as left:
        parse_exec(words.split())
    assert left.value.reason


@pytest.mark.parametrize(
    "words",
    [
        "",
        "login",
        "mcp list",
        "--version",
        "-m o3",
        "resume",
        "exec help",
        "exec -h",
        "exec -V",
        "exec --remote ws://x go",
        "exec resume --help",
    ],
)
def test_what_is_no_turn_is_left_to_codex_silently(words: str) -> None:
    with pytest.raises(LeftToCodex) as left:
        parse_exec(words.split())
    assert not left.value.reason


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.names[0])
def test_every_option_does_what_its_row_says(option: object) -> None:
    assert isinstance(option, type(OPTIONS[0]))
    value = [] if option.kind is Kind.FLAG else [option.choices[0] if option.choices else "a=b"]
    words = ["exec", option.names[-1], *value, "--json"]
    if option.place is Place.RESUME:
        words.insert(1, "resume")
    if option.place is Place.LEADING:
        words = [option.names[-1], *value, "exec", "--json"]
    if option.effect in (Effect.HONOURED, Effect.IGNORED):
        if option.key != "json":
            assert parse_exec(words).as_json
        return
    with pytest.raises(LeftToCodex) as left:
        parse_exec(words)
    assert bool(left.value.reason) is (option.effect is Effect.CODEX)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)
VALUES = TEXTS.filter(lambda text: not text.startswith("-"))
PATHS = VALUES.filter(lambda text: "," not in text)
PROMPTS = VALUES.filter(lambda text: text not in ("resume", "fork", "review", "help"))
SETTINGS = st.tuples(PATHS.filter(lambda key: "=" not in key and key == key.strip() != ""), VALUES)
OPTIONAL = st.none() | VALUES
ARGUMENTS = st.builds(
    ExecArguments,
    prompt=st.none() | PROMPTS,
    settings=st.lists(SETTINGS, max_size=2).map(tuple),
    images=st.lists(PATHS, max_size=2).map(tuple),
    model=OPTIONAL,
    profile=OPTIONAL,
    sandbox=st.none() | st.sampled_from(["read-only", "workspace-write"]),
    bypasses=st.booleans(),
    cwd=OPTIONAL,
    add_dirs=st.lists(VALUES, max_size=2).map(tuple),
    outside_git=st.booleans(),
    schema_file=OPTIONAL,
    message_file=OPTIONAL,
    as_json=st.booleans(),
    color=st.sampled_from(["always", "never"]),
)


@given(ARGUMENTS, st.randoms(use_true_random=False))
def test_what_was_written_is_read(arguments: ExecArguments, random: object) -> None:
    valued = {
        "--model": arguments.model,
        "--profile": arguments.profile,
        "--sandbox": arguments.sandbox,
        "--cd": arguments.cwd,
        "--output-schema": arguments.schema_file,
        "-o": arguments.message_file,
        "--color": arguments.color,
    }
    flags = {
        "--yolo": arguments.bypasses,
        "--skip-git-repo-check": arguments.outside_git,
        "--json": arguments.as_json,
    }
    groups = [[name, value] for name, value in valued.items() if value is not None]
    groups += [[name] for name, given_ in flags.items() if given_]
    random.shuffle(groups)  # type: ignore[attr-defined] # it is a Random
    groups += [["-c", f"{key}={value}"] for key, value in arguments.settings]
    groups += [[f"--image={path}"] for path in arguments.images]
    groups += [["--add-dir", path] for path in arguments.add_dirs]
    prompt = [] if arguments.prompt is None else ["--", arguments.prompt]
    words = [word for group in groups for word in group]
    assert parse_exec(["exec", *words, *prompt]) == arguments
