"""The oldest snapshot is that of whoever holds back vacuum, not of somebody who began later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from acceptance.own_server import own_server
from bible_progress.installing import install


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server with nothing but what these tests begin."""
    with own_server(durable=False, settings={"max_prepared_transactions": "10"}) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            install.install(connection)
            connection.execute("create database other")
        yield server.url


READS = "set transaction isolation level repeatable read; select from progress.settings"
WRITES = "select pg_current_xact_id()"
HOLDERS = {
    "a reader": ("postgres", READS),
    "a writer that rests": ("postgres", WRITES),
    "a writer in another database": ("other", WRITES),
    "a prepared transaction": ("other", WRITES + "; prepare transaction 'held'"),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_it_is_as_old_as_what_holds_it(server: str, holder: str) -> None:
    database, begins = HOLDERS[holder]
    held_in = server.replace("/postgres?", f"/{database}?")
    with ExitStack() as stack:
        watcher = stack.enter_context(psycopg.connect(server, autocommit=True))
        assert watcher.execute("select from progress.oldest_snapshot").rowcount == 0
        held = stack.enter_context(psycopg.connect(held_in, autocommit=True))
        held.execute(f"begin; {begins}".encode())
        for _ in range(3):
            watcher.execute("select pg_current_xact_id()")
        later = stack.enter_context(psycopg.connect(server, autocommit=True))
        later.execute(f"begin; {READS}".encode())
        found = watcher.execute(
            "select o.transactions, abs(o.seconds - began.held) < abs(o.seconds - began.later)"
            " from progress.oldest_snapshot as o, lateral ("
            " select extract(epoch from clock_timestamp() - coalesce(max(a.xact_start)"
            " filter (where a.pid = %s), (select prepared from pg_prepared_xacts))) as held,"
            " extract(epoch from clock_timestamp() - max(a.xact_start)"
            " filter (where a.pid = %s)) as later from pg_stat_activity as a) as began",
            [held.info.backend_pid, later.info.backend_pid],
        ).fetchone()
        assert found is not None
        assert found[0] >= 3
        assert found[1]
        later.execute("rollback")
        held.execute("rollback prepared 'held'" if "prepare" in begins else "rollback")
        assert watcher.execute("select from progress.oldest_snapshot").rowcount == 0
