"""Every setting is a flag with an environment twin; a bad twin hurts only who would use it."""

from __future__ import annotations

import argparse
import logging

import pytest

from bible_progress.cli import build_parser
from bible_progress.cli.options import check, in_ci, port, positive, require_database, seconds
from bible_progress.errors import UsageError

URL = "postgresql://localhost/x"
TWINS = [
    ("worker", "concurrency", "7", 7, "0"),
    ("worker", "idle_seconds", "0.5", 0.5, "-1"),
    ("worker", "audit_seconds", "9", 9.0, "soon"),
    ("worker", "metrics_port", "9100", 9100, "65536"),
    ("worker", "metrics_host", "0.0.0.0", "0.0.0.0", None),
    ("worker", "log_format", "text", "text", "xml"),
    ("worker", "log_level", "debug", "DEBUG", "loud"),
    ("serve", "trusted_proxies", "10.0.0.5, ::1", ("10.0.0.5", "::1"), "10.0.0.1/8"),
    ("serve", "secure_cookie", "true", True, "perhaps"),
    ("serve", "cookie_name", "__Host-progress", "__Host-progress", None),
    ("install", "environment", "production", "production", "staging"),
    ("install", "lock_timeout", "2.5", 2.5, "nan"),
    ("install", "create_roles", "true", True, "perhaps"),
]


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting but the database."""
    for _, name, *_ in TWINS:
        monkeypatch.delenv(f"BIBLE_PROGRESS_{name.upper()}", raising=False)
    monkeypatch.setenv("DATABASE_URL", URL)


def parse(*arguments: str) -> argparse.Namespace:
    return build_parser().parse_args(arguments)


@pytest.mark.parametrize(("command", "name", "text", "value", "bad"), TWINS)
def test_a_twin_is_as_good_as_its_flag(
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    name: str,
    text: str,
    value: object,
    bad: str | None,
) -> None:
    flag, variable = f"--{name.replace('_', '-')}", f"BIBLE_PROGRESS_{name.upper()}"
    by_flag = vars(parse(command, flag, text))
    assert by_flag[name] == value
    monkeypatch.setenv(variable, text)
    assert vars(parse(command)) == by_flag
    monkeypatch.setenv(variable, "")
    assert vars(parse(command))[name] == vars(parse(command))[name]
    if bad is not None:
        monkeypatch.setenv(variable, bad)
        with pytest.raises(UsageError, match=f"{variable}='{bad}'"):
            check(parse(command))
        assert require_database(parse(command, flag, text)) == URL
        assert require_database(parse("status")) == URL
        with pytest.raises(SystemExit) as ended:
            parse(command, flag, bad)
        assert ended.value.code == 2


def test_an_empty_twin_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for command, name, *_ in TWINS:
        usual = vars(parse(command))[name]
        monkeypatch.setenv(f"BIBLE_PROGRESS_{name.upper()}", "")
        assert vars(parse(command))[name] == usual


def test_every_setting_of_the_worker_has_a_twin() -> None:
    """Anyone who runs it in a container sets variables only."""
    flags = {name for name in vars(parse("worker")) if name not in ("run", "database_url")}
    assert flags == {name for command, name, *_ in TWINS if command == "worker"}


def test_a_database_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    for arguments in (("status",), ("import", "canon"), ("dead-letter", "list")):
        with pytest.raises(UsageError, match="database"):
            require_database(parse(*arguments))
    assert require_database(parse("status", "--database-url", "x")) == "x"


@pytest.mark.parametrize("text", ["true", "TRUE", "True"])
def test_continuous_integration_says_so(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("CI", text)
    assert in_ci()
    for other in ("", "false", "0", "no"):
        monkeypatch.setenv("CI", other)
        assert not in_ci()


@pytest.mark.parametrize(
    ("parser", "good", "bad"),
    [
        (positive, "1", ["0", "-1", "1.5", "x", ""]),
        (seconds, "0.001", ["0", "-1", "inf", "nan", "1e9", "x", ""]),
        (port, "65535", ["0", "65536", "-1", "x", "80.0", ""]),
    ],
)
def test_numbers_have_limits(parser: object, good: str, bad: list[str]) -> None:
    assert callable(parser)
    assert parser(good) == float(good)
    for text in bad:
        with pytest.raises((ValueError, argparse.ArgumentTypeError)):
            parser(text)


def test_log_levels_are_those_of_python() -> None:
    for level in ("debug", "Info", "WARNING"):
        assert parse("worker", "--log-level", level).log_level in logging.getLevelNamesMapping()
