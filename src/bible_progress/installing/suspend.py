"""Let go of the host tables for as long as somebody changes them; install takes hold again."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import Connection

from .. import sql
from ..db import translated
from ..engine.drain import guard, require_schema
from ..errors import NotInstalled
from . import schema
from .checks import Subject
from .install import LOCK_TIMEOUT_SECONDS
from .sql_text import Query, Text, bind
from .take_over import hold_drains, in_attempts, reload_clients, transaction

_QUERIES = sql.queries("in_place")


def suspend(
    connection: Connection[Any],
    *,
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
    automated: bool = False,
    override: str | None = None,
) -> bool:
    """Take views and triggers off in one transaction; return False if they are off already.

    What is stored, what waits, settings and what others hold on our views stays. Raises
    NotInstalled, SchemaMismatch, GuardRefused in production, and InstallRefused where locks cannot
    be had; then nothing has changed.
    """
    with translated(), transaction(connection):
        hold_drains(connection, lock_timeout_seconds)
        subject = Subject(connection)
        if not subject.settings:
            raise NotInstalled("Bible Progress is not installed in this database")
        subject.refuse("other_owner")
        if subject.settings["suspended_at"] is not None:
            return False
        require_schema(connection)
        guard(connection, "suspending", automated=automated, reason=override)
        statement = statement_of_suspension().encode()

        def attempt(cursor: psycopg.Cursor[Any]) -> None:
            cursor.execute(statement)

        in_attempts(connection, lock_timeout_seconds, attempt)
        reload_clients(connection)
    return True


def statement_of_suspension() -> str:
    """Return the one statement that suspends."""
    every = schema.all_views()
    return bind(
        _QUERIES["suspend"],
        contract=[name for place, name in every if place == "public"],
        internal=[name for place, name in every if place == "progress"],
        placeholders=Query(
            bind(
                _QUERIES["placeholders"].removesuffix(";"),
                relations=Text("v_ours"),
                value="s.nothing",
                source=" from progress.suspended() as s (nothing)",
            )
        ),
        triggers=[name for name, _ in schema.triggers()],
        trigger_tables=[table for _, table in schema.triggers()],
        guarded=list(schema.GUARDED),
    )
