"""Take what install made out of a database, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg import errors as pg
from psycopg.rows import tuple_row
from psycopg.sql import SQL

from .. import sql
from ..db import translated
from ..engine.schedule import unscheduled_elsewhere, unscheduled_here
from ..formatting import counted
from . import rendering, schema
from .checks import Subject
from .rendering import LOCK_TIMEOUT_SECONDS
from .schema import CONTRACT_TABLES, HOST_TABLES, ROLES, Name
from .session import (
    ask,
    execute,
    names,
    present,
    qualified,
    reload_clients,
    transaction,
    without_dependents,
)

_QUERIES = sql.queries("install")


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What uninstall removed, and what it left."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]


def uninstall(
    connection: Connection[Any], *, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS
) -> Removal:
    """Remove what install made, in one transaction.

    Host tables stay unless install made them and they are empty. Raises InstallRefused if objects
    of the host depend on ours; then nothing has changed.
    """
    removed: list[str] = []
    kept: list[str] = []
    with translated():
        if not Subject(connection).installed:
            return Removal(removed=(), kept=())
    with translated(), unscheduled_elsewhere(connection) as jobs, transaction(connection):
        execute(connection, rendering.hold_drains(lock_timeout_seconds))
        subject = Subject(connection)
        settings = subject.settings
        # Another uninstall may have been quicker.
        if not settings:
            return Removal(removed=(), kept=())
        subject.refuse("other_owner")
        jobs += unscheduled_here(connection)
        if jobs:
            removed.append(f"{counted(jobs, 'job')} of pg_cron")
        step, owns_host_tables = settings["rollout_step"], settings["owns_host_tables"]
        ours = _tables(connection)
        matviews = tuple(schema.materialized_views(step))
        triggers = schema.triggers(step)
        take_over = rendering.take_over(
            lock_timeout_seconds,
            tables=rendering.OUR_TABLES,
            then=rendering.let_go(None),
        )
        execute(connection, take_over)
        if matviews:
            removed.append(counted(len(matviews), "materialized view"))
        removed.append(counted(len(schema.views(step)), "view"))
        with connection.cursor() as cursor:
            removed.append(counted(len(triggers), "trigger"))
            # By signature and without cascade: what the host put beside or on top is an error.
            with without_dependents():
                cursor.execute(_QUERIES["drop_stubs"])
                for row in ask(connection, "routines", signatures=list(schema.signatures())):
                    cursor.execute(row["drop"].encode())
                for group in ours:
                    cursor.execute(SQL("drop table {}").format(qualified(group)))
                removed.append("the queue and the dead letters")
                cursor.execute("drop schema progress")
            removed.append("schema progress with the rollups and the history")
        # Asked only now that no writer can come in between.
        if owns_host_tables and not ask(connection, "rows_in_host_tables")[0]["has_rows"]:
            try:
                with connection.transaction(), connection.cursor() as cursor:
                    cursor.execute(SQL("drop table {}").format(names("public", HOST_TABLES)))
                removed.append(f"{len(HOST_TABLES)} empty host tables that install made")
            except pg.DependentObjectsStillExist:
                kept.append(f"{len(HOST_TABLES)} host tables, which others refer to")
        else:
            kept.append(
                f"{len(HOST_TABLES)} host tables, "
                + ("which hold data" if owns_host_tables else "which were there before")
            )
        missing = {row["role"] for row in ask(connection, "missing_roles", roles=list(ROLES))}
        if missing != set(ROLES):
            there = ", ".join(role for role in ROLES if role not in missing)
            kept.append(f"roles {there}, which other databases may use")
        reload_clients(connection)
    return Removal(removed=tuple(removed), kept=tuple(kept))


def _tables(connection: Connection[Any]) -> list[list[Name]]:
    """Our tables, those of schema public first; an earlier release has fewer of them."""
    tables = {"public": CONTRACT_TABLES, "progress": schema.tables()}
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [
            present(cursor, [(place, name) for name in there], kind="r")
            for place, there in tables.items()
        ]
