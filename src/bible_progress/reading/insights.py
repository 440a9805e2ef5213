"""Every read that people see, once: the command line and everything after it come here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from .. import sql
from ..db import translated
from ..models import DeadLetter, Failure, Hindrance, Measured, Queued, Status, VersionProgress

_QUERIES = sql.queries("insights")


def status(connection: Connection[Any]) -> Status:
    """Return what there is, what waits, and whether anything drains."""
    with translated(), connection.cursor(row_factory=class_row(Status)) as cursor:
        row = cursor.execute(_QUERIES["status"]).fetchone()
    assert row is not None, "progress.settings always has its row"
    return row


def hindrances(connection: Connection[Any]) -> list[Hindrance]:
    """Return what keeps changes from being settled or drained."""
    with translated(), connection.cursor(row_factory=class_row(Hindrance)) as cursor:
        return cursor.execute(_QUERIES["hindrances"]).fetchall()


def versions(connection: Connection[Any]) -> list[VersionProgress]:
    """Return the exact progress of every version, texts first, the fullest first."""
    with translated(), connection.cursor(row_factory=class_row(VersionProgress)) as cursor:
        return cursor.execute(_QUERIES["versions"]).fetchall()


def failures(connection: Connection[Any], limit: int = 10) -> list[Failure]:
    """Return the versions whose last drain failed, the latest first."""
    with translated(), connection.cursor(row_factory=class_row(Failure)) as cursor:
        return cursor.execute(_QUERIES["failures"], {"at_most": limit}).fetchall()


def dead_letters(
    connection: Connection[Any], limit: int | None = None, after: str | None = None
) -> list[DeadLetter]:
    """Return dead letters, the oldest first, at most `limit`; `after` is the key of a cursor."""
    with translated(), connection.cursor(row_factory=class_row(DeadLetter)) as cursor:
        parameters = {"at_most": limit, "after": after}
        return cursor.execute(_QUERIES["dead_letters"], parameters).fetchall()


def retry_dead_letters(connection: Connection[Any], ids: list[UUID] | None) -> int:
    """Put these dead letters, or all for None, back into the queue; return how many."""
    with translated(), connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(_QUERIES["retry_dead_letters"], {"ids": ids}).fetchone() or 0


def discard_dead_letter(connection: Connection[Any], letter_id: UUID) -> None:
    """Drop a dead letter; refused with DatabaseRefused while its numbers are not exact."""
    with translated():
        connection.execute(_QUERIES["discard_dead_letter"], {"id": letter_id})


def queue(connection: Connection[Any], limit: int) -> list[Queued]:
    """Return the versions that wait to be drained, the longest first."""
    with translated(), connection.cursor(row_factory=class_row(Queued)) as cursor:
        return cursor.execute(_QUERIES["queue"], {"at_most": limit}).fetchall()


def measurements(connection: Connection[Any]) -> list[Measured]:
    """Return what the last run of rollout measure found."""
    with translated(), connection.cursor(row_factory=class_row(Measured)) as cursor:
        return cursor.execute(_QUERIES["measurements"]).fetchall()
