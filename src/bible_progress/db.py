"""The only module that opens connections."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from selectors import EVENT_READ, DefaultSelector
from typing import Any, LiteralString, Self, TypeVar, cast

import psycopg
from psycopg import Connection, Cursor
from psycopg.abc import Params
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import Row, scalar_row
from psycopg_pool import ConnectionPool, PoolTimeout

from . import sql
from .errors import ConnectionFailed, UsageError, from_database

log = logging.getLogger("bible_progress")

CONNECT_TIMEOUT_SECONDS = 10
# Connections of the server, and more where it has many, that are never taken by ourselves.
KEPT_FOR_OTHERS = 3
# So long a pool tries to replace a lost connection by itself, with growing pauses. Afterwards it
# begins anew, at once, for whoever asks; who waits for a connection asks as often.
RECONNECT_TIMEOUT_SECONDS = 1.0


_C = TypeVar("_C", bound=Connection[Any])
_QUERIES = sql.queries("session")
_SETTING = re.compile(r"set local (\w+)")
_SINCE_17 = 170000


class Session(Connection[Any]):
    """An autocommit connection whose every transaction begins with what we rely on.

    That is queries/session.sql: databases and roles set other defaults. A statement outside of a
    transaction gets one of its own; one that cannot run in any goes through a plain
    psycopg.Cursor. `also` names what else a transaction begins with.
    """

    also: tuple[str, ...] = ()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.cursor_factory = _SessionCursor
        # What a caller asks for, by PGOPTIONS or in the URL, is meant for us and stays.
        asked = self.info.get_parameters().get("options", os.environ.get("PGOPTIONS", ""))
        newer = ["since_17"] if self.info.server_version >= _SINCE_17 else []
        self._begin: LiteralString = _opening(asked.lower(), *newer, "settings", *self.also)
        self._begin_writing: LiteralString = _opening(asked.lower(), *newer, "settings", "write")

    @contextmanager
    def transaction(
        self, savepoint_name: str | None = None, force_rollback: bool = False
    ) -> Generator[Any]:
        """Open a transaction, or within one a savepoint, as psycopg's does."""
        if self.info.transaction_status != TransactionStatus.IDLE:
            with super().transaction(savepoint_name, force_rollback) as inner:
                yield inner
            return
        Cursor(self).execute(self._begin_writing if self._is_kept_from_writing else self._begin)
        try:
            yield None
        except BaseException:
            # The error that ended the block says more than that of a lost connection.
            with suppress(psycopg.Error):
                self.rollback()
            raise
        if force_rollback:
            self.rollback()
        else:
            self.commit()

    @property
    def _is_kept_from_writing(self) -> bool:
        status = self.info.parameter_status
        return (
            not self.also
            and status("default_transaction_read_only") == "on"
            and status("in_hot_standby") != "on"
        )


def _opening(asked: str, *parts: str) -> LiteralString:
    lines = [line for part in parts for line in _QUERIES[part].splitlines()]
    kept = [line for line in lines if (m := _SETTING.match(line)) and m[1] not in asked]
    return cast(LiteralString, "\n".join([_QUERIES["begin"], *kept]))


class _Reader(Session):
    """Writes nothing, and gives up a statement after 15 s."""

    also = ("read",)


class _SessionCursor(Cursor[Row]):
    def execute(
        self,
        query: Any,
        params: Params | None = None,
        *,
        prepare: bool | None = None,
        binary: bool | None = None,
    ) -> Self:
        if self.connection.info.transaction_status != TransactionStatus.IDLE:
            return super().execute(query, params, prepare=prepare, binary=binary)
        with self.connection.transaction():
            return super().execute(query, params, prepare=prepare, binary=binary)


def connect(url: str, *, application_name: str = "bible-progress") -> Session:
    """Open a session with `url` (a libpq URL or key=value string).

    A transaction-mode pooler may sit in between: prepared statements stay off, and whoever sets
    something sets it for a transaction, never for the session, which may be another client's next.
    Raises UsageError for a URL that libpq cannot read, ConnectionFailed if nothing answers.
    """
    return _open(Session, url, application_name)


def connect_as_host(url: str, *, application_name: str = "bible-progress") -> Connection[Any]:
    """Open an autocommit connection as any client has it, with the server's own defaults."""
    return _open(Connection[Any], url, application_name)


def _open(kind: type[_C], url: str, application_name: str) -> _C:
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
        connection = kind.connect(
            url,
            autocommit=True,
            prepare_threshold=None,
            client_encoding="UTF8",
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
    # Before there is a connection libpq has no SQLSTATE. PgBouncer has its words in English only.
    if "unsupported startup parameter" in reason:
        return (
            "A pooler stands before the server. Leave the parameter out of DATABASE_URL and of "
            "PGOPTIONS, or name it in ignore_startup_parameters of pgbouncer.ini."
        )
    return "Check DATABASE_URL (or --database-url) and that the server runs."


class _Pool(ConnectionPool[Connection[Any]]):
    """Answers as soon as the server does again after it was away."""

    def getconn(self, timeout: float | None = None) -> Connection[Any]:
        """Give a connection that the server has not closed; raises PoolTimeout as its base does.

        The base would pause longer for each that it finds closed, and after a restart all are.
        """
        until = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            left = until - time.monotonic()
            try:
                found = super().getconn(min(left, RECONNECT_TIMEOUT_SECONDS))
            except PoolTimeout:
                if left <= RECONNECT_TIMEOUT_SECONDS:
                    raise
                continue
            if _is_open(found):
                return found
            self.putconn(found)


def pool(url: str, *, size: int, wait_seconds: float) -> ConnectionPool[Connection[Any]]:
    """Return an open pool of at most `size` sessions like those of `connect` that only read.

    Taking one waits up to `wait_seconds`, then raises psycopg_pool.PoolTimeout. A connection that
    the server closed is replaced before it is given out.
    """
    return _Pool(
        url,
        connection_class=_Reader,
        min_size=1,
        max_size=size,
        timeout=wait_seconds,
        reconnect_timeout=RECONNECT_TIMEOUT_SECONDS,
        kwargs={
            "autocommit": True,
            "prepare_threshold": None,
            "client_encoding": "UTF8",
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "application_name": "bible-progress api",
        },
        open=True,
    )


def _is_open(connection: Connection[Any]) -> bool:
    """Whether the server has not closed a connection.

    Asks the server only where it sent something, as it does last before it closes.
    """
    with DefaultSelector() as selector, suppress(psycopg.OperationalError):
        selector.register(connection.fileno(), EVENT_READ)
        if selector.select(0):
            ConnectionPool[Connection[Any]].check_connection(connection)
        return True
    return False


def affordable(connection: Connection[Any], *wanted: int, also: int) -> list[int]:
    """Return how many connections to open for each purpose: what is wanted, or less, at least 1.

    So many as the server has left, without `also` that are opened besides and without a tenth, at
    least 3, for others. Purposes that want little get what they want. Logs what is less.
    """
    with connection.cursor(row_factory=scalar_row) as cursor:
        left: int = cursor.execute(_QUERIES["connections_left"]).fetchone() or 0
    room = left - also - max(KEPT_FOR_OTHERS, left // 10)
    given: dict[int, int] = {}
    for purposes, place in zip(
        range(len(wanted), 0, -1), sorted(range(len(wanted)), key=lambda i: wanted[i]), strict=True
    ):
        given[place] = max(1, min(wanted[place], room // purposes))
        room -= given[place]
    found = [given[place] for place in range(len(wanted))]
    if found != list(wanted):
        log.warning(
            "the server has too few connections left, so fewer are opened",
            extra={"action": "connections", "left": left, "wanted": wanted, "opened": found},
        )
    return found


def connect_beside(connection: Connection[Any], database: str) -> Session:
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
