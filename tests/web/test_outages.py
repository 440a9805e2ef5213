"""The database goes away and comes back: whoever asks then gets an answer, not a pause."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from bible_progress.db import RECONNECT_TIMEOUT_SECONDS, pool

SIZE = 8
WAIT_SECONDS = 5.0


@pytest.fixture
def warm(database: str) -> Iterator[Any]:
    """A pool of which every connection was used."""
    found = pool(database, size=SIZE, wait_seconds=WAIT_SECONDS)
    with found, ExitStack() as stack:
        for _ in range(SIZE):
            stack.enter_context(found.connection()).execute("select")
        stack.close()
        yield found


def lose_all(admin: Connection[Any]) -> None:
    admin.execute(
        "select pg_terminate_backend(pid, 60000) from pg_stat_activity"
        " where application_name = 'bible-progress api' and datname = current_database()"
    )


def test_after_a_restart_the_first_who_asks_is_answered(
    warm: Any, connect: Callable[..., Connection[Any]]
) -> None:
    admin = connect()
    for _ in range(3):
        lose_all(admin)
        with warm.connection() as connection:
            assert connection.execute("select 1 as one").fetchone() is not None


def test_who_waits_is_answered_once_it_is_back_however_long_that_was(
    warm: Any, database: str, connect: Callable[..., Connection[Any]]
) -> None:
    admin = connect()
    allow = SQL("alter database {} allow_connections {}")
    name = Identifier(admin.info.dbname)

    def ask() -> None:
        with warm.connection(timeout=240) as connection:
            connection.execute("select")

    with (
        psycopg.connect(database, dbname="postgres", autocommit=True) as elsewhere,
        ThreadPoolExecutor() as threads,
    ):
        elsewhere.execute(allow.format(name, SQL("false")))
        try:
            lose_all(admin)
            waiting = threads.submit(ask)
            # Long enough for the pool to have given up what it tried by itself.
            time.sleep(3 * RECONNECT_TIMEOUT_SECONDS)
            assert not waiting.done()
        finally:
            elsewhere.execute(allow.format(name, SQL("true")))
        waiting.result(240)
