"""Help, versions, settings and pipes: what a script and a shell expect of any program."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from acceptance.command_line import PROGRAM, CommandLine
from acceptance.installation import Installation
from bible_progress import __version__, errors
from bible_progress.cli import build_parser

COMMANDS = (
    "demo",
    "doctor",
    "install",
    "suspend",
    "uninstall",
    "status",
    "serve",
    "worker",
    "schedule",
    "refresh",
    "verify",
    "dead-letter",
    "dead-letter list",
    "dead-letter retry",
    "dead-letter discard",
    "import",
    "import canon",
    "export",
    "export supabase",
    "rollout",
    "rollout status",
    "rollout measure",
    "rollout plan",
    "rollout apply",
    "rollout back",
    "rollout report",
    "bench",
)
# Every one of them is broken, which must not keep anybody from the help.
BROKEN = {
    "BIBLE_PROGRESS_ENVIRONMENT": "staging",
    "BIBLE_PROGRESS_LOCK_TIMEOUT": "soon",
    "BIBLE_PROGRESS_CONCURRENCY": "0",
    "BIBLE_PROGRESS_PORT": "99999",
    "BIBLE_PROGRESS_POOL_SIZE": "none",
    "BIBLE_PROGRESS_IDLE_SECONDS": "-1",
    "BIBLE_PROGRESS_AUDIT_SECONDS": "nan",
    "BIBLE_PROGRESS_METRICS_PORT": "99999",
    "BIBLE_PROGRESS_LOG_FORMAT": "xml",
    "BIBLE_PROGRESS_LOG_LEVEL": "loud",
    "BIBLE_PROGRESS_READ_SECONDS": "soon",
    "BIBLE_PROGRESS_REFRESH_SECONDS": "0",
    "BIBLE_PROGRESS_LAG_SECONDS": "-1",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in BROKEN.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args([*command.split(), "--help"])
    assert ended.value.code == 0
    assert f"bible-progress {command}" in capsys.readouterr().out


def test_the_help_names_every_command_and_exit_code() -> None:
    out = CommandLine(None)("--help").assert_done().out
    for command in COMMANDS:
        assert command.split()[0] in out
    documented = {int(code) for code in re.findall(r"(?<![\d.])(\d+) [a-z]", out)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.BibleProgressError)}
    assert codes | {0, 130} <= documented


def test_every_command_is_tested_here() -> None:
    names = re.findall(r"^    ([a-z-]+)(?: |$)", build_parser().format_help(), re.MULTILINE)
    assert set(names) == {command.split()[0] for command in COMMANDS}


def test_version_is_the_package_version() -> None:
    assert CommandLine(None)("--version").assert_done().out.split() == [
        "bible-progress",
        __version__,
    ]


def test_no_command_and_an_unknown_one_are_wrong_usage() -> None:
    for arguments in ((), ("frobnicate",)):
        assert CommandLine(None)(*arguments).code == 2


def test_a_bad_variable_stops_the_command_that_uses_it(cli: CommandLine) -> None:
    for command, name in (
        ("install", "BIBLE_PROGRESS_LOCK_TIMEOUT"),
        ("worker", "BIBLE_PROGRESS_AUDIT_SECONDS"),
        ("worker", "BIBLE_PROGRESS_LOG_LEVEL"),
    ):
        cli(command, env={name: BROKEN[name]}).assert_refused(2, name, BROKEN[name])


def test_a_bad_variable_stops_no_other_command(cli: CommandLine, site: Installation) -> None:
    site.texts(1, drained=False)
    for arguments in (("status", "--help"), ("status",), ("refresh",)):
        cli(*arguments, env=BROKEN).assert_done()


def test_a_flag_is_stronger_than_its_variable(cli: CommandLine) -> None:
    good = ("--environment", "development", "--lock-timeout", "5")
    cli("install", *good, env=BROKEN).assert_done()


def test_the_database_can_be_named_by_flag(database: str) -> None:
    unreachable = {"DATABASE_URL": "postgresql://127.0.0.1:1/nowhere"}
    CommandLine(None)("status", "--database-url", database, env=unreachable).assert_done()


@pytest.mark.parametrize("arguments", [("status",), ("status", "--json"), ("verify",), ("--help",)])
def test_a_reader_that_leaves_is_no_error(
    cli: CommandLine, site: Installation, arguments: tuple[str, ...]
) -> None:
    site.texts(1)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [PROGRAM, *arguments],
            env=cli.environment(),
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=240,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_that_knows_only_ascii_is_enough(cli: CommandLine, site: Installation) -> None:
    [version] = site.texts(1)
    site.bury(version, "Ελληνικά broke")
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    for arguments in (("status",), ("dead-letter", "list")):
        cli(*arguments, env=ascii_only).assert_done()
    cli("verify", env=ascii_only).assert_refused(10)


def test_output_for_a_pipe_has_no_empty_line_in_front(cli: CommandLine, site: Installation) -> None:
    site.texts(1, drained=False)
    for arguments in (("refresh",), ("verify",)):
        assert not cli(*arguments).assert_done().out.startswith("\n"), arguments
