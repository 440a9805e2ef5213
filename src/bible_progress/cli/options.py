"""Flags that commands share. Every setting is a flag with an environment twin."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

from ..db import Session, connect
from ..engine.drain import require_schema
from ..errors import UsageError

# PostgreSQL counts timeouts in milliseconds, as an integer.
MOST_SECONDS = 2_000_000

# argparse has no public name for what add_subparsers returns.
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # pyright: ignore[reportPrivateUsage]


def setting(
    parser: argparse.ArgumentParser,
    flag: str,
    *,
    env: str,
    help: str,
    default: str | None = None,
    type: Callable[[str], Any] | None = None,
    metavar: str | None = None,
    alone: object = None,
) -> None:
    """Add a flag whose default is the environment variable `env`, then `default`.

    With `alone` it may stand without a value and then means that.
    """
    parse = type or text
    given = os.environ.get(env) or default
    try:
        value = None if given is None else parse(given)
    except argparse.ArgumentTypeError as error:
        # Of texts, some are secrets.
        shown_value = "" if parse is text else f"={given!r}"
        value = _Unreadable(f"{env}{shown_value} cannot be used: {error}")
    shown = f", default {default}" if default is not None else ""
    parser.add_argument(
        flag,
        type=parse,
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
        parser.add_argument(
            "--database-url", type=text, default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
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
        type=timeout,
        default="30",
        metavar="SECONDS",
        help="how long to wait for drains, and for writers of the host tables",
    )


def override(parser: argparse.ArgumentParser) -> None:
    """Add --override, for production databases."""
    parser.add_argument(
        "--override",
        type=text,
        metavar="REASON",
        help="do it in a production database all the same; the reason is recorded",
    )


def in_ci() -> bool:
    """Whether this runs in continuous integration, which the production guard lets pass."""
    return os.environ.get("CI", "").lower() == "true"


# argparse calls a value that does not fit by the name of the function that parses it, unless that
# says itself what is wrong: all of these do, of environment variables too.


def text(given: str) -> str:
    """Parse text that says something."""
    try:
        given.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError("it is not UTF-8") from None
    if not given:
        raise argparse.ArgumentTypeError("it is empty")
    return given


def path(given: str) -> Path:
    """Parse the path of a file or folder."""
    if not given.strip():
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(given)


def whole_number(given: str) -> int:
    """Parse a whole number of at most nine digits."""
    if not re.fullmatch(r"-?[0-9]{1,9}", given):
        raise argparse.ArgumentTypeError(f"{given!r} is not a whole number, or too large")
    return int(given)


def positive(given: str) -> int:
    """Parse a whole number of at least 1."""
    number = whole_number(given)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{given} is not at least 1")
    return number


def seconds(given: str) -> float:
    """Parse a time in seconds above 0."""
    try:
        number = float(given)
    except ValueError:
        number = 0.0
    if not 0 < number <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(
            f"{given!r} is not a time in seconds, above 0 and up to {MOST_SECONDS:,}"
        )
    return number


def timeout(given: str) -> float:
    """Parse a time in seconds that is not rounded to no limit at all."""
    number = seconds(given)
    if number < 0.001:
        raise argparse.ArgumentTypeError(f"{given} is less than a millisecond, 0.001")
    return number


def port(given: str) -> int:
    """Parse a TCP port."""
    if not re.fullmatch(r"[0-9]{1,5}", given) or not 1 <= int(given) <= 65535:
        raise argparse.ArgumentTypeError(f"{given!r} is not a port, from 1 to 65535")
    return int(given)


def port_or_any(given: str) -> int:
    """Parse a TCP port, or 0 for a free one."""
    return 0 if given == "0" else port(given)


def id_of(what: str) -> Callable[[str], UUID]:
    """Return what parses the id of `what`, a UUID."""

    def parse(given: str) -> UUID:
        try:
            return UUID(given)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{repr(given) if given else 'nothing'} is not the id of {what}, a UUID"
            ) from None

    return parse
