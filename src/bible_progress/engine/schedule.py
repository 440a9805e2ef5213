"""Let pg_cron drain where no worker may run; it may live in another database of the server."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from psycopg import Connection
from psycopg import errors as pg
from psycopg.rows import class_row, dict_row, scalar_row

from .. import sql
from ..db import connect_beside, translated
from ..errors import DatabaseRefused
from ..models import CronJob

_QUERIES = sql.queries("schedule")


def schedule(connection: Connection[Any], every_seconds: int) -> list[CronJob]:
    """Make or change the jobs, all of them or none, and return them.

    Raises InputError for a period that this pg_cron cannot keep, DatabaseRefused where there is no
    pg_cron or this role may not use it.
    """
    with translated(), connection.cursor(row_factory=dict_row) as cursor:
        [at] = cursor.execute(_QUERIES["where"]).fetchall()
        there: str | None = at["cron_database"]
        if there is None or there == at["database"]:
            cursor.execute(_QUERIES["schedule"], {"every": every_seconds})
            return _jobs(connection, every_seconds, None)
    with translated(), connect_beside(connection, there) as cron:
        version = _scalar(cron, "version")
        if version is None:
            raise DatabaseRefused(
                f"pg_cron is loaded, but its extension is not in database {there}",
                hint=f"As a superuser in database {there}: create extension pg_cron",
            )
        jobs = _jobs(connection, every_seconds, version)
        # Before there are any: what is not remembered would stay for ever.
        connection.execute(_QUERIES["remember"], {"cron_database": there})
        try:
            with cron.transaction(), cron.cursor() as cursor:
                cursor.executemany(_QUERIES["schedule_there"], [asdict(job) for job in jobs])
        except pg.InsufficientPrivilege as error:
            raise DatabaseRefused(
                f"this role may not use pg_cron in database {there}: {error.diag.message_primary}",
                hint=f"As a superuser in database {there}: grant usage on schema cron, and execute "
                "on function cron.schedule_in_database, to the role.",
            ) from error
        return jobs


def unschedule(connection: Connection[Any]) -> int:
    """Take the jobs away; return how many there were."""
    with translated(), unscheduled_elsewhere(connection) as jobs, connection.transaction():
        jobs += unscheduled_here(connection)
        connection.execute(_QUERIES["remember"], {"cron_database": None})
    return jobs


def unscheduled_here(connection: Connection[Any]) -> int:
    """Take the jobs of a pg_cron in this database away, in this transaction; return how many."""
    return _scalar(connection, "unschedule") or 0


@contextmanager
def unscheduled_elsewhere(connection: Connection[Any]) -> Generator[int]:
    """Take the jobs of a pg_cron in another database away, for good if the block succeeds.

    Yields how many. Enter it before the transaction that must not leave them behind, so that they
    go when that one has committed.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        [at] = cursor.execute(_QUERIES["scheduled_in"]).fetchall()
    there: str | None = at["cron_database"]
    if there is None or there == at["database"]:
        yield 0
        return
    with connection.cursor(row_factory=scalar_row) as cursor:
        names = {"names": cursor.execute(_QUERIES["names"]).fetchall()}
    with connect_beside(connection, there) as cron, cron.transaction():
        if _scalar(cron, "version") is None:
            yield 0
            return
        cron.execute(_QUERIES["purge_there"], names)
        yield _scalar(cron, "unschedule_there", names) or 0


def _jobs(connection: Connection[Any], every_seconds: int, version: str | None) -> list[CronJob]:
    with connection.cursor(row_factory=class_row(CronJob)) as cursor:
        values = {"every": every_seconds, "version": version}
        return cursor.execute(_QUERIES["jobs"], values).fetchall()


def _scalar(connection: Connection[Any], name: str, values: dict[str, Any] | None = None) -> Any:
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(_QUERIES[name], values).fetchone()
