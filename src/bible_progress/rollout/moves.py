"""Move a live database between the strategies, a step at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, Cursor
from psycopg.rows import dict_row, tuple_row
from psycopg.sql import SQL, Identifier

from .. import sql
from ..db import translated
from ..engine.drain import guard, require_schema, signal_all
from ..errors import InputError, InstallRefused
from ..formatting import counted
from ..installing import checks, rendering, schema
from ..installing.rendering import LOCK_TIMEOUT_SECONDS
from ..installing.schema import INCREMENTAL, TRIGGERS
from ..installing.session import (
    execute,
    names,
    present,
    reload_clients,
    transaction,
)

_QUERIES = sql.queries("rollout")

# What incremental drains store, but for the history, which outlives a strategy.
ROLLUPS = ("chapter_bitmap", "book_rollup", "version_rollup", "timed_version")

Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the rollout and what it means for readers and writers."""

    number: int
    name: str
    meaning: str
    strategy: str


STEPS = (
    Step(
        number=1,
        name="logical views and indexes",
        meaning="Every read counts from the base tables: always right, slow where versions are "
        "many. Nothing is stored, no trigger, no queue.",
        strategy="views",
    ),
    Step(
        number=2,
        name="verse-level materialized views",
        meaning="Verses are stored as of the last `refresh --all`; exact reads go on counting "
        "from the base tables.",
        strategy="matview",
    ),
    Step(
        number=3,
        name="all materialized views",
        meaning="Every level is stored as of the last `refresh --all`; exact reads go on counting "
        "from the base tables.",
        strategy="matview",
    ),
    Step(
        number=4,
        name="queue, triggers and scheduled drain",
        meaning="Triggers note what changed, and a worker or pg_cron refreshes the materialized "
        "views of a kind; exact reads are stored where nothing waits.",
        strategy="matview",
    ),
    Step(
        number=5,
        name="incremental",
        meaning="Rollups instead of materialized views: a drain refreshes only what changed.",
        strategy="incremental",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a move did; `done` are lines for a person."""

    before: Step
    after: Step
    done: tuple[str, ...]


def current(connection: Connection[Any]) -> Step:
    """Return the step that a database is on."""
    with translated(), connection.cursor(row_factory=dict_row) as cursor:
        [settings] = cursor.execute(_QUERIES["step"]).fetchall()
    number: int = settings["rollout_step"]
    return STEPS[number - 1]


def move(
    connection: Connection[Any],
    number: int,
    *,
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
    automated: bool = False,
    override: str | None = None,
    report: Report = lambda what, done, total: None,
) -> Move:
    """Bring a database to step `number` in one transaction; readers never miss a relation.

    Drains pause meanwhile, so that every change from then on keeps its signal; what the new step
    stores is filled first, beside the readers, and shown with a short lock at the end. `report`
    gets (what is filled, done, in all). Raises InputError for a step that there is not,
    GuardRefused in production, InstallRefused where locks cannot be had; then nothing has changed.
    """
    if not 1 <= number <= len(STEPS):
        raise InputError(f"there is no step {number}", hint=f"Steps are 1 to {len(STEPS)}.")
    with translated(), transaction(connection), connection.cursor(row_factory=tuple_row) as cursor:
        execute(connection, rendering.hold_drains(lock_timeout_seconds))
        require_schema(connection)
        before, after = current(connection), STEPS[number - 1]
        if before == after:
            return Move(before=before, after=after, done=())
        guard(connection, "a change of strategy", automated=automated, reason=override)
        _refuse_hidden_rows(connection, after)
        done: list[str] = []
        wanted = schema.materialized_views(number)
        new = [name for name in wanted if name not in present(cursor, tuple(wanted), kind="m")]
        if new and before.number == INCREMENTAL:
            # Materialized views of books and versions are filled from what is stored.
            _roll_up(cursor, "dirty_versions", report)
        for filled, (_, name) in enumerate(new):
            report(name, filled, len(new))
            text = sql.read(wanted["public", name])
            # Beside the relation of that name that readers use.
            cursor.execute(text.replace("public.mv_", "progress.mv_"))
            cursor.execute(SQL("refresh materialized view {}").format(Identifier("progress", name)))
            done.append(f"filled materialized view {name}")
        if after.number == INCREMENTAL:
            done.append(f"rolled up {counted(_roll_up(cursor, 'versions', report), 'version')}")
        past = [n for n in schema.materialized_views(before.number) if n not in wanted]
        rollups = ROLLUPS if before.number == INCREMENTAL else ()
        take_over = rendering.take_over(
            lock_timeout_seconds,
            tables=[("progress", name) for name in rollups],
            then=rendering.let_go(number),
        )
        execute(connection, take_over)
        if past:
            done.append(f"dropped {counted(len(past), 'materialized view')}")
        for _, name in new:
            cursor.execute(
                SQL("alter materialized view {} set schema public").format(
                    Identifier("progress", name)
                )
            )
        cursor.execute(
            _QUERIES["set_step"],
            {
                "step": number,
                "before": schema.numbers(before.number),
                "after": schema.numbers(number),
            },
        )
        execute(connection, *rendering.objects(number))
        reload_clients(connection)
        if before.number < TRIGGERS <= number:
            signal_all(connection)
            done.append("created the triggers and queued every version")
        if number < TRIGGERS <= before.number:
            cursor.execute(_QUERIES["forget_signals"])
            done.append("dropped the triggers and emptied the queue")
        if before.number == INCREMENTAL:
            cursor.execute(SQL("truncate {}").format(names("progress", ROLLUPS)))
            done.append("emptied the rollups; the history stays")
    return Move(before=before, after=after, done=tuple(done))


def pending_indexes(connection: Connection[Any]) -> tuple[str, ...]:
    """Return the statements for indexes of the host tables that have no equivalent yet."""
    return tuple(statement for _, statement in _advised(connection))


def create_indexes(
    connection: Connection[Any], report: Report = lambda what, done, total: None
) -> tuple[str, ...]:
    """Create the pending indexes concurrently, each by itself; return what was run.

    Needs an autocommit connection. One that an interrupted run left invalid is made anew.
    """
    pending = _advised(connection)
    # Plain, since these cannot run in a transaction.
    with translated(), Cursor(connection) as cursor:
        for done, (name, statement) in enumerate(pending):
            report(name, done, len(pending))
            # Of a partitioned table it is made in one transaction, and there is no half of it.
            if "concurrently" in statement:
                cursor.execute(
                    SQL("drop index concurrently if exists {}").format(Identifier("public", name))
                )
            cursor.execute(statement.encode())
    return tuple(statement for _, statement in pending)


def _advised(connection: Connection[Any]) -> list[tuple[str, str]]:
    with translated():
        found = checks.rows(connection, "missing_indexes", {})
    return [(row["index_name"], row["fix"]) for row in found]


def _refuse_hidden_rows(connection: Connection[Any], after: Step) -> None:
    hidden = [row["table_name"] for row in checks.rows(connection, "row_security_on_versions", {})]
    if after.strategy == "matview" and hidden:
        raise InstallRefused(
            f"row security decides who sees {', '.join(hidden)}, and materialized views would show "
            "every row to every reader",
            hint=f"Go to step {INCREMENTAL} or stay on step 1: rollout apply --to {INCREMENTAL}",
        )


def _roll_up(cursor: Cursor[Any], which: str, report: Report) -> int:
    versions = cursor.execute(_QUERIES[which]).fetchall()
    for done, (kind, version_id) in enumerate(versions):
        report("rollups", done, len(versions))
        cursor.execute(_QUERIES["roll_up"], {"kind": kind, "version_id": version_id})
    return len(versions)
