"""Lock the host tables, let go of what is made anew, and find what is there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection
from psycopg import errors as pg
from psycopg.rows import DictRow, dict_row, scalar_row, tuple_row
from psycopg.sql import SQL, Composed, Identifier

from .. import sql
from ..errors import InstallRefused
from . import schema
from .schema import GUARDED, HOST_TABLES, SERVED, TRIGGERS, Name
from .sql_text import Query, Text, bind

ATTEMPT_MILLISECONDS = 400

_QUERIES = sql.queries("install")
_IN_PLACE = sql.queries("in_place")


@contextmanager
def transaction(connection: Connection[Any]) -> Generator[None]:
    """A transaction that objects of others stay out of, and out of what it makes."""
    with (
        connection.transaction(),
        connection.cursor(row_factory=scalar_row) as cursor,
    ):
        [before] = cursor.execute(_QUERIES["search_path"]).fetchall()
        cursor.execute(_QUERIES["pin_search_path"])
        yield
        cursor.execute(_QUERIES["set_search_path"], {"path": before})


def reload_clients(connection: Connection[Any]) -> None:
    """Tell PostgREST, once this transaction has committed, to look at the schema again."""
    connection.execute(_QUERIES["reload_schema"])


def hold_drains(connection: Connection[Any], seconds: float) -> None:
    """Wait until no drain and no other install runs, and keep them out of this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERIES["set_lock_timeout"], {"milliseconds": round(seconds * 1000)})
        try:
            cursor.execute(_QUERIES["lock"])
        except pg.LockNotAvailable as error:
            raise InstallRefused(
                f"a drain or another install ran for {seconds:g} s; nothing was changed",
                hint="Try again at a quieter moment, or give a longer --lock-timeout.",
            ) from error
        cursor.execute(_QUERIES["set_lock_timeout"], {"milliseconds": 0})


def take_over(
    connection: Connection[Any],
    seconds: float,
    *,
    step: int | None,
    ours: Sequence[Composed] = (),
    before: Callable[[psycopg.Cursor[Any]], None] | None = None,
) -> None:
    """Lock the host tables against writers and let go of what the next step makes anew.

    `step` None leaves nothing. `ours` are lists of tables to lock against everybody, beside those
    whose policies are made anew. `before` drops what stands in the views' place.

    Locks are taken in short attempts that give everything back, for `seconds`: a writer that waits
    for one of them while we wait for another of its own must never be the one that the server
    aborts, which it would do after a deadlock_timeout of a second.
    """
    statement = let_go(step).encode()

    def attempt(cursor: psycopg.Cursor[Any]) -> None:
        for tables in ours:
            cursor.execute(SQL("lock table {} in access exclusive mode").format(tables))
        if before:
            before(cursor)
        with without_dependents():
            cursor.execute(statement)

    in_attempts(connection, seconds, attempt)


def in_attempts(
    connection: Connection[Any], seconds: float, attempt: Callable[[psycopg.Cursor[Any]], None]
) -> None:
    """Run `attempt` with the host tables locked against writers, see take_over."""
    until = time.monotonic() + seconds
    while True:
        try:
            with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
                cursor.execute(_QUERIES["set_lock_timeout"], {"milliseconds": ATTEMPT_MILLISECONDS})
                cursor.execute(
                    SQL("lock table {} in share row exclusive mode").format(
                        names("public", HOST_TABLES)
                    )
                )
                guarded = present(cursor, [("progress", table) for table in GUARDED], kind="r")
                for table in guarded:
                    cursor.execute(
                        SQL("lock table {} in access exclusive mode").format(Identifier(*table))
                    )
                attempt(cursor)
            break
        except pg.LockNotAvailable as error:
            if time.monotonic() > until:
                raise InstallRefused(
                    f"other sessions kept the tables busy for {seconds:g} s; nothing was changed",
                    hint="Try again at a quieter moment, or give a longer --lock-timeout.",
                ) from error
            time.sleep(0.1)
    # The setting outlives the attempt. Nothing below should wait; if it does, then not for ever.
    connection.execute(_QUERIES["set_lock_timeout"], {"milliseconds": round(seconds * 1000)})


def let_go(step: int | None) -> str:
    """Return the statement that takes away what `step` makes anew or does not have."""
    every = schema.all_views()
    past = schema.triggers() if step is None or step < TRIGGERS else ()
    return bind(
        _IN_PLACE["let_go"],
        views=[name for place, name in schema.views(step) if place == "public"] if step else [],
        definitions=json.dumps(schema.definitions(step) if step else {}),
        contract=[name for place, name in every if place == "public"],
        internal=[name for place, name in every if place == "progress"],
        remembered=Query(
            bind(
                _IN_PLACE["remembered"].removesuffix(";"),
                relations=Text("v_contract || v_internal"),
                known_roles=list(SERVED),
                our_comments=schema.OUR_COMMENTS,
            )
        ),
        placeholders=Query(
            bind(
                _IN_PLACE["placeholders"].removesuffix(";"),
                relations=Text("v_kept"),
                value="null",
                source="",
            )
        ),
        triggers=[name for name, _ in past],
        trigger_tables=[table for _, table in past],
    )


def present(cursor: psycopg.Cursor[Any], wanted: Sequence[Name], *, kind: str) -> list[Name]:
    """Return which of these relations are there as `kind` (pg_class.relkind)."""
    cursor.execute(
        _QUERIES["relations"],
        {"schemas": [s for s, _ in wanted], "names": [n for _, n in wanted], "kind": kind},
    )
    return cursor.fetchall()


def names(schema: str, names: Sequence[str]) -> Composed:
    return qualified([(schema, name) for name in names])


def qualified(names: Sequence[Name]) -> Composed:
    return SQL(", ").join(Identifier(*name) for name in names)


@contextmanager
def without_dependents() -> Generator[None]:
    """Raise InstallRefused with their names where objects of the host lean on what is dropped."""
    try:
        yield
    except pg.DependentObjectsStillExist as error:
        raise InstallRefused(
            "objects of this database depend on Bible Progress: "
            + (error.diag.message_detail or str(error)).replace("\n", "; "),
            hint="Drop them first and recreate them afterwards; nothing was changed.",
        ) from error


def ask(connection: Connection[Any], name: str, **parameters: object) -> list[DictRow]:
    """Return the rows of a query of install.sql."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_QUERIES[name], parameters).fetchall()
