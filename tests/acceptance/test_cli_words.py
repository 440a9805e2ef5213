"""What commands say is English: no name of a function, no plural of one, no reason left out."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bible_progress
from acceptance.command_line import CommandLine
from acceptance.installation import Installation
from bible_progress.cli import build_parser
from bible_progress.errors import reason

NONSENSE = [
    "", " ", "x", "-", "1.5", "-1", "0", "+1", " 1", "1_000", "१", "²", "1e999", "nan", "inf", "0x10", "None",
    "1" * 30, "9" * 5000, "a,b,,c", "true ", "\udcff", "\u202e", "x" * 5000, "{}", "%s", "\n", "[red]",
]  # fmt: skip
# Whatever follows a one; "1 is", "1 ms" and the like are no plurals.
PLURAL = re.compile(
    r"(?<![\d.,])1 (?!(?:is|was|has|ms|this|less|s|with|in|of|that|to)\b)[a-z ]{0,14}?[a-z]+s\b"
)
ONE = "book,book_number,name,testament,verses\n{}gen,1,Genesis,old,1\n"


def commands(
    parser: argparse.ArgumentParser, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Yield every command with its parser."""
    nested = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not nested:
        yield words, parser
    for action in nested:
        for name, inner in action.choices.items():
            yield from commands(inner, (*words, name))


COMMANDS = dict(commands(build_parser()))
OPTIONS = [
    pytest.param(words, action, id=f"{' '.join(words)} {action.option_strings or action.dest}")
    for words, parser in COMMANDS.items()
    for action in parser._actions
    if action.nargs != 0
]
ENVIRONMENT = sorted(
    {
        name
        for parser in COMMANDS.values()
        for action in parser._actions
        for name in re.findall(r"\$([A-Z_]+)", action.help or "")
    }
)


def functions() -> set[str]:
    """Return the names with an underscore of everything that the command line is written in."""
    root = Path(inspect.getfile(bible_progress)).parent
    sources = "".join(path.read_text("utf-8") for path in (root / "cli").glob("*.py"))
    return {name for name in re.findall(r"def (\w+)\(", sources) if "_" in name}


FUNCTIONS = functions() | {"int", "float", "str", "Path"}


def assert_english(said: str, given: str) -> None:
    assert not re.search(r"invalid \w+ value", said), said
    assert "invalid literal" not in said, said
    assert "could not convert" not in said, said
    assert "Traceback" not in said, said
    # What was given is quoted, and may be anything.
    words = set(re.findall(r"\w+", said.replace(repr(given), "")))
    assert not words & FUNCTIONS, said


@pytest.mark.parametrize(("words", "action"), OPTIONS)
def test_no_value_of_an_option_is_told_in_words_of_python(
    words: tuple[str, ...], action: argparse.Action, capsys: pytest.CaptureFixture[str]
) -> None:
    needed = [
        # Whatever else a command cannot be without.
        "00000000-0000-4000-8000-000000000000"
        for other in COMMANDS[words]._actions
        if other.nargs == "+" and other is not action
    ]
    for given in NONSENSE:
        if action.option_strings:
            arguments = [f"{action.option_strings[-1]}={given}", *needed]
        else:
            arguments = ["--", given]
        parser = build_parser(words[:1])
        try:
            parser.parse_args([*words, *arguments])
        except SystemExit as ended:
            assert ended.code == 2
            _, _, said = capsys.readouterr().err.rpartition("error: ")
            assert_english(said, given)
            assert len(said.strip()) > 10
    capsys.readouterr()


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_no_value_of_a_variable_is_told_in_words_of_python(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bible_progress.cli.options import check
    from bible_progress.errors import UsageError

    naming = {
        words for words, parser in commands(build_parser()) if f"${name}" in parser.format_help()
    }
    assert naming
    for given in NONSENSE:
        monkeypatch.setenv(name, given)
        for words, parser in commands(build_parser()):
            # Once, every command: those that do not name it do not look at it.
            if words not in naming and given != "x":
                continue
            needed = ["00000000-0000-4000-8000-000000000000"] * (words[-1] == "discard")
            options = parser.parse_args(needed)
            try:
                check(options)
            except UsageError as error:
                assert words in naming
                assert name in str(error)
                assert_english(str(error), given)


@pytest.mark.parametrize(
    "error", [OSError(), OSError(2, ""), EOFError(), OSError("odd"), KeyError()]
)
def test_a_reason_is_never_left_out(error: Exception) -> None:
    assert reason(error).strip()


@pytest.mark.parametrize("path", [".", "/", "absent", "absent/absent", "\udcff", "x" * 300])
def test_a_file_that_cannot_be_read_is_named_with_the_reason(
    cli: CommandLine, tmp_path: Path, path: str
) -> None:
    said = cli("import", "canon", path).assert_refused(7, "cannot read ").err
    assert re.search(r"cannot read .+: [A-Z][a-z]+", said)
    assert not re.search(r"cannot read \.\s*$|: None", said)


def test_nothing_is_one_of_many(
    cli: CommandLine, site: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything that is counted is there once; every command says so."""
    canon = tmp_path / "canon.csv"
    canon.write_text(ONE.format(""), "utf-8")
    short = tmp_path / "short.csv"
    short.write_text(ONE.format("gen\n"), "utf-8")
    said: list[str] = []

    def run(*arguments: Any) -> str:
        done = cli(*arguments)
        assert "Traceback" not in done.err
        said.append(done.out + done.err)
        return said[-1]

    [version] = site.texts(1)
    load = ("import", "canon", canon, "--id", "one", "--id-prefix", "one-")
    assert "1 book, 1 chapter, 1 verse loaded" in run(*load)
    run(*load)
    assert "1 value, expected 5" in run("import", "canon", short)
    site.touch(version, "gen-1-3")
    for arguments in (("status",), ("refresh", "--all"), ("verify",), ("schedule", "--remove")):
        run(*arguments)
    site.fail_drains_of(version)
    site.touch(version, "gen-2-1")
    run("refresh")
    run("status")
    site.stop_failing()
    letter = site.bury(version)
    for arguments in (
        ("dead-letter", "list"),
        ("dead-letter", "discard", letter),
        ("verify",),
        ("dead-letter", "retry", "--all"),
        ("refresh",),
        ("doctor",),
        ("install", "--dry-run"),
    ):
        run(*arguments)
    site.plant_drift(version)
    run("verify", "--repair")
    run("refresh")
    monkeypatch.setenv("CI", "true")
    run("rollout", "measure", "--readers", "1", "--seconds", "0.001")
    run("rollout", "plan")
    for _ in range(3):
        run("rollout", "back")
    run("rollout", "apply", "--to", "5")
    run("uninstall", "--yes")
    for one in said:
        assert not PLURAL.search(one), one
