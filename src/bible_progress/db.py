"""The only module that opens connections."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from selectors import EVENT_READ, DefaultSelector
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool

from .errors import ConnectionFailed, UsageError, from_database

CONNECT_TIMEOUT_SECONDS = 10
# Then a pool begins anew, at once for whoever asks: a server may be away for hours.
RECONNECT_TIMEOUT_SECONDS = 30.0


def connect(url: str, *, application_name: str = "bible-progress") -> Connection[Any]:
    """Open an autocommit connection to `url` (a libpq URL or key=value string).

    A transaction-mode pooler may sit in between: prepared statements stay off, and whoever sets
    something sets it for a transaction, never for the session, which may be another client's next.
    Raises UsageError for a URL that libpq cannot read, ConnectionFailed if nothing answers.
    """
    try:
        parts = conninfo_to_dict(url)
        seconds = int(parts.get("connect_timeout") or CONNECT_TIMEOUT_SECONDS)
    except (psycopg.ProgrammingError, ValueError):
        # The reason would quote the URL, and with it the password.
        raise UsageError(
            "the database URL cannot be read",
            hint="It looks like postgresql://user:password@host:5432/database.",
        ) from None
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=seconds,
            application_name=application_name,
        )
    except psycopg.Error as error:
        # libpq's text names the host, port and reason, never the password.
        reason = " ".join(str(error).split())
        raise ConnectionFailed(
            f"cannot connect to the database: {reason}", hint=_advice(reason)
        ) from error
    return connection


def _advice(reason: str) -> str:
    if "unsupported startup parameter" in reason:
        return (
            "A pooler stands before the server. Leave the parameter out of DATABASE_URL and of "
            "PGOPTIONS, or name it in ignore_startup_parameters of pgbouncer.ini."
        )
    return "Check DATABASE_URL (or --database-url) and that the server runs."


def pool(url: str, *, size: int, wait_seconds: float) -> ConnectionPool[Connection[Any]]:
    """Return an open pool of at most `size` connections like those of `connect`.

    Taking one waits up to `wait_seconds`, then raises psycopg_pool.PoolTimeout. A connection that
    the server closed is replaced before it is given out.
    """
    return ConnectionPool(
        url,
        connection_class=Connection[Any],
        min_size=1,
        max_size=size,
        timeout=wait_seconds,
        reconnect_timeout=RECONNECT_TIMEOUT_SECONDS,
        kwargs={
            "autocommit": True,
            "prepare_threshold": None,
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "application_name": "bible-progress api",
        },
        check=_check,
        open=True,
    )


def _check(connection: Connection[Any]) -> None:
    """Raise psycopg.OperationalError for a connection that the server has closed.

    Asks the server only where it sent something, as it does last before it closes.
    """
    with DefaultSelector() as selector:
        selector.register(connection.fileno(), EVENT_READ)
        if selector.select(0):
            ConnectionPool[Connection[Any]].check_connection(connection)


def connect_beside(connection: Connection[Any], database: str) -> Connection[Any]:
    """Open a connection like this one to another database of its server."""
    info = connection.info
    return connect(make_conninfo(info.dsn, password=info.password or None, dbname=database))


@contextmanager
def translated() -> Generator[None]:
    """Turn database errors inside the block into errors for people."""
    try:
        yield
    except psycopg.Error as error:
        raise from_database(error) from error
