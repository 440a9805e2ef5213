"""The drain as Python sees it: ask what is due, drain it, one transaction a version."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, scalar_row, tuple_row

from .. import sql
from ..db import translated
from ..errors import DatabaseRefused, InputError
from ..installing import schema
from ..models import Drained, Due

_QUERIES = sql.queries("drain")
# How many migrations this code knows.
_SCHEMA_VERSION = len(schema.migrations())


class Drainer:
    """Drains through one autocommit connection; raises psycopg.Error as the database does.

    That is one with SQLSTATE BP010 where an upgrade has left this code behind; see require_schema.

    With `statement_seconds` no statement takes longer, drains included.
    """

    def __init__(
        self, connection: Connection[Any], *, statement_seconds: float | None = None
    ) -> None:
        self.connection = connection
        self._timeout = (
            None if statement_seconds is None else f"{max(1, int(statement_seconds * 1000))}ms"
        )

    def due(self, limit: int) -> list[Due]:
        """Return at most `limit` versions that wait and are not backing off, oldest first."""
        with self._limited(), self.connection.cursor(row_factory=class_row(Due)) as cursor:
            return cursor.execute(
                _QUERIES["due"], {"at_most": limit, "schema_version": _SCHEMA_VERSION}
            ).fetchall()

    def drain(self, version: Due) -> Drained:
        """Drain one version in a transaction of its own."""
        with self._limited(), self.connection.cursor(row_factory=class_row(Drained)) as cursor:
            row = cursor.execute(
                _QUERIES["drain"],
                {
                    "kind": version.kind,
                    "version_id": version.version_id,
                    "schema_version": _SCHEMA_VERSION,
                },
            ).fetchone()
        # Another drain failed with it since it was listed: it waits for its next attempt.
        return row or Drained(
            outcome="waiting", signals=0, chapters=0, rows_changed=0, lag_seconds=None, error=None
        )

    @contextmanager
    def _limited(self) -> Generator[None]:
        """One statement's transaction, with the timeout in it: a session may not be ours alone."""
        if self._timeout is None:
            yield
            return
        with self.connection.transaction():
            self.connection.execute(_QUERIES["limit_statements"], {"timeout": self._timeout})
            yield

    def warm_up(self) -> None:
        """Make the plans that the first drain would otherwise wait for, tens of milliseconds."""
        self.connection.execute(_QUERIES["warm_up"])

    def record_failure(self, version: Due, error: str) -> None:
        """Count a failure that the database could not record itself, such as a lost connection."""
        self.connection.execute(
            _QUERIES["record_failure"],
            {"kind": version.kind, "version_id": version.version_id, "error": error},
        )


def require_schema(connection: Connection[Any]) -> None:
    """Raise SchemaMismatch where this code is too old or too new for the schema, or NotInstalled.

    Asks nothing but what every release answers.
    """
    with translated():
        connection.execute(_QUERIES["require_schema"], {"schema_version": _SCHEMA_VERSION})


def require_primary(connection: Connection[Any]) -> None:
    """Raise DatabaseRefused on a standby, where nothing can be drained."""
    with translated(), connection.cursor(row_factory=scalar_row) as cursor:
        if cursor.execute(_QUERIES["is_standby"]).fetchone():
            raise DatabaseRefused(
                "this server is a standby, which only reads: nothing can be drained here",
                hint="Connect to the primary; where the URL names several hosts, add "
                "target_session_attrs=read-write. On a standby: bible-progress serve --no-worker.",
            )


def guard(connection: Connection[Any], action: str, *, automated: bool, reason: str | None) -> None:
    """Refuse `action` by hand in a production database, with GuardRefused, unless overridden."""
    with translated():
        connection.execute(
            _QUERIES["guard"], {"action": action, "automated": automated, "reason": reason}
        )


def signal_all(connection: Connection[Any]) -> None:
    """Queue every version for a recompute from the base tables."""
    with translated():
        connection.execute(_QUERIES["signal_all"])


def signal_unsignalled(connection: Connection[Any], limit: int | None = None) -> int:
    """Queue versions that came or went past the triggers, at most `limit`; return how many."""
    with translated(), connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(_QUERIES["signal_unsignalled"], {"at_most": limit}).fetchone() or 0


def signal_version(connection: Connection[Any], version_id: UUID) -> list[str]:
    """Queue one version; return its kinds. Raises InputError for an id that nothing has."""
    with translated(), connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_QUERIES["signal_version"], {"version_id": version_id}).fetchall()
    if not rows:
        raise InputError(
            f"there is no version {version_id}",
            hint="Give the id of a row of audio_versions or text_versions.",
        )
    return [row[0] for row in rows]
