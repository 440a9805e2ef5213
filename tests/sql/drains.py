"""Drains one by one, and versions whose drain is made to fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import class_row

Connect = Callable[..., Connection[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """The row that drain_version returns."""

    outcome: str
    signals: int
    chapters: int
    rows_changed: int
    lag_seconds: float | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A row of progress.failure; times are seconds after the failure."""

    attempts: int
    next_attempt_in: float
    last_error: str


def drain_version(connection: Connection[Any], kind: str, version: UUID) -> Drain:
    with connection.cursor(row_factory=class_row(Drain)) as cursor:
        cursor.execute("select * from progress.drain_version(%s, %s)", [kind, version])
        row = cursor.fetchone()
        assert row is not None
        return row


def due(connection: Connection[Any], limit: int = 100) -> list[tuple[str, UUID]]:
    rows = connection.execute("select kind, version_id from progress.due_versions(%s)", [limit])
    return [(kind, version) for kind, version in rows.fetchall()]


def break_version(connection: Connection[Any], version: UUID, action: str | None = None) -> None:
    """Make every drain of a version fail that changes its summary, or do `action` instead."""
    body = (
        action
        or "raise exception 'no room for %', new.version_id using errcode = 'check_violation'"
    )
    connection.execute(
        "create or replace function public.refuse() returns trigger language plpgsql as"  # type: ignore[arg-type]
        f" $$ begin {body}; return new; end $$"
    )
    connection.execute(
        sql.SQL(
            "create trigger refuse before insert or update on progress.version_rollup"
            " for each row when (new.version_id = {}) execute function public.refuse()"
        ).format(sql.Literal(str(version)))
    )


def mend(connection: Connection[Any]) -> None:
    connection.execute("drop trigger refuse on progress.version_rollup")


def failure(connection: Connection[Any], version: UUID) -> Failure | None:
    with connection.cursor(row_factory=class_row(Failure)) as cursor:
        cursor.execute(
            "select attempts, last_error,"
            " extract(epoch from next_attempt_at - failed_at)::float as next_attempt_in"
            " from progress.failure where version_id = %s",
            [version],
        )
        return cursor.fetchone()


def dead_letters(connection: Connection[Any]) -> list[tuple[str, UUID, str | None, int]]:
    return connection.execute(
        "select kind, version_id, chapter_id, attempts from progress_refresh_dead_letter"
        " order by kind, version_id, chapter_id"
    ).fetchall()


def kill(connection: Connection[Any], kind: str, version: UUID, attempts: int = 2) -> None:
    """Drain a broken version until its signals are dead."""
    outcomes: list[str] = []
    for attempt in range(1, attempts + 1):
        after = "0" if attempt == attempts else "1 day"
        connection.execute("update progress.settings set dead_after = %s::interval", [after])
        outcomes.append(drain_version(connection, kind, version).outcome)
    connection.execute("update progress.settings set dead_after = '1 day'")
    assert outcomes == ["failed"] * (attempts - 1) + ["dead"]
