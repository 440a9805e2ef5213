"""The transaction in which a database is changed, and what is asked in it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection
from psycopg import errors as pg
from psycopg.rows import DictRow, dict_row, scalar_row
from psycopg.sql import SQL, Composed, Identifier

from .. import sql
from ..errors import InstallRefused
from .schema import Name

_QUERIES = sql.queries("install")


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


def execute(connection: Connection[Any], *statements: str) -> None:
    """Run rendered statements, which may be several in one string."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.encode())


def reload_clients(connection: Connection[Any]) -> None:
    """Tell PostgREST, once this transaction has committed, to look at the schema again."""
    connection.execute(_QUERIES["reload_schema"])


def ask(connection: Connection[Any], name: str, **parameters: object) -> list[DictRow]:
    """Return the rows of a query of install.sql."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_QUERIES[name], parameters).fetchall()


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
