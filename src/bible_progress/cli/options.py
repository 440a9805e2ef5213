"""Flags that commands share. Every setting is a flag with an environment twin."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any, TypeAlias

from ..db import Session, connect
from ..drain import require_schema
from ..errors import UsageError

# argparse has no public name for what add_subparsers returns.
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # pyright: ignore[reportPrivateUsage]


def setting(
    parser: argparse.ArgumentParser,
    flag: str,
    *,
    env: str,
    help: str,
    default: str | None = None,
    type: Callable[[str], Any] = str,
    metavar: str | None = None,
    alone: object = None,
) -> None:
    """Add a flag whose default is the environment variable `env`, then `default`.

    With `alone` it may stand without a value and then means that.
    """
    text = os.environ.get(env)
    try:
        value = type(text) if text else (None if default is None else type(default))
    except (ValueError, argparse.ArgumentTypeError) as error:
        value = _Unreadable(f"{env}={text!r} cannot be used: {error}")
    shown = f", default {default}" if default is not None else ""
    parser.add_argument(
        flag,
        type=type,
        default=value,
        metavar=metavar,
        nargs=None if alone is None else "?",
        const=alone,
        help=f"{help} (${env}{shown})",
    )


def truth(text: str) -> bool:
    """Parse true or false."""
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return known[text.lower()]


class _Unreadable:
    """A bad environment variable, told only to the command that would use it."""

    def __init__(self, message: str) -> None:
        self.message = message


def check(options: argparse.Namespace) -> None:
    """Raise UsageError for an environment variable that could not be read."""
    for value in vars(options).values():
        if isinstance(value, _Unreadable):
            raise UsageError(value.message)


def database_url(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """Add --database-url; `again` for an action whose command has it too."""
    if again:
        # Without a default, so that it does not undo what was given before the action.
        parser.add_argument("--database-url", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        return
    setting(
        parser,
        "--database-url",
        env="DATABASE_URL",
        metavar="URL",
        help="the database, e.g. postgresql://user@host:5432/name",
    )


def require_database(options: argparse.Namespace) -> str:
    """Return the database URL; raises UsageError where none was given."""
    check(options)
    if not options.database_url:
        raise UsageError(
            "no database was named",
            hint="Set DATABASE_URL or give --database-url postgresql://user@host:5432/name",
        )
    return options.database_url


def connect_installed(options: argparse.Namespace) -> Session:
    """Open a session to an installed database whose schema is one for this code.

    Raises what `connect` does, NotInstalled, and SchemaMismatch before anything that an upgrade
    brings is missed.
    """
    connection = connect(require_database(options))
    try:
        require_schema(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def lock_timeout(parser: argparse.ArgumentParser) -> None:
    """Add --lock-timeout, for what changes our objects."""
    setting(
        parser,
        "--lock-timeout",
        env="BIBLE_PROGRESS_LOCK_TIMEOUT",
        type=seconds,
        default="30",
        metavar="SECONDS",
        help="how long to wait for drains, and for writers of the host tables",
    )


def override(parser: argparse.ArgumentParser) -> None:
    """Add --override, for production databases."""
    parser.add_argument(
        "--override",
        metavar="REASON",
        help="do it in a production database all the same; the reason is recorded",
    )


def in_ci() -> bool:
    """Whether this runs in continuous integration, which the production guard lets pass."""
    return os.environ.get("CI", "").lower() == "true"


def positive(text: str) -> int:
    """Parse a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def seconds(text: str) -> float:
    """Parse a time in seconds above 0."""
    number = float(text)
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(f"{text} is not a time in seconds")
    return number


def port(text: str) -> int:
    """Parse a TCP port."""
    number = int(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port")
    return number


def port_or_any(text: str) -> int:
    """Parse a TCP port, or 0 for a free one."""
    return 0 if text == "0" else port(text)
