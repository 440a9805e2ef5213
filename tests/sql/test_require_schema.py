"""Which code may work on a schema: that which knows what the last breaking migration changed."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import Connection

from bible_progress.engine.drain import Drainer, require_schema
from bible_progress.errors import SchemaMismatch
from bible_progress.installing import schema
from support.builders import World

KNOWN = len(schema.migrations())


def asked(conn: Connection[Any], known: int) -> str:
    """Return what code is told that knows so many migrations: its SQLSTATE, or nothing."""
    try:
        with conn.transaction():
            row = conn.execute("select progress.require_schema(%s)", [known]).fetchone()
    except psycopg.Error as error:
        assert error.diag.message_hint
        return error.sqlstate or ""
    assert row == (True,)
    return ""


@pytest.mark.parametrize(
    ("oldest", "newest", "welcome"),
    [(1, 1, {1}), (1, 3, {1, 2, 3}), (2, 3, {2, 3}), (3, 3, {3})],
)
def test_code_is_welcome_between_the_last_breaking_migration_and_the_last_one(
    conn: Connection[Any], oldest: int, newest: int, welcome: set[int]
) -> None:
    conn.execute(
        "update progress.settings set oldest_code = %s, schema_version = %s", [oldest, newest]
    )
    found = {known: asked(conn, known) for known in range(5)}
    assert {known for known, state in found.items() if not state} == welcome
    assert {state for state in found.values() if state} == {"BP010"}


def test_this_code_is_welcome_on_what_it_installs(conn: Connection[Any]) -> None:
    require_schema(conn)
    assert conn.execute("select schema_version, oldest_code from progress.settings").fetchone() == (
        KNOWN,
        schema.oldest_code(),
    )


def test_it_is_told_what_to_install(conn: Connection[Any]) -> None:
    conn.execute("update progress.settings set oldest_code = 98, package_version = '9.8.7'")
    with pytest.raises(SchemaMismatch, match=r"9\.8\.7") as caught:
        require_schema(conn)
    assert "9.8.7" in (caught.value.hint or "")


def test_a_drain_that_was_listed_before_an_upgrade_is_not_begun(world: World) -> None:
    conn = world.connection
    world.canon()
    version = world.text_version()
    world.text(version, ["gen-1-1"])
    drainer = Drainer(conn)
    [due] = [due for due in drainer.due(10) if due.version_id == version]
    conn.execute("update progress.settings set oldest_code = 98")
    before = conn.execute("select * from progress_refresh_queue order by id").fetchall()
    for ask in (lambda: drainer.drain(due), lambda: drainer.due(10)):
        with pytest.raises(psycopg.Error) as caught, conn.transaction():
            ask()
        assert caught.value.sqlstate == "BP010"
    assert conn.execute("select * from progress_refresh_queue order by id").fetchall() == before
    assert conn.execute("select from progress.failure").fetchall() == []


def test_nothing_due_is_no_answer_either(conn: Connection[Any]) -> None:
    """A worker that waits must notice an upgrade, not only one that has something to do."""
    assert Drainer(conn).due(10) == []
    conn.execute("update progress.settings set oldest_code = 98")
    with pytest.raises(psycopg.Error) as caught, conn.transaction():
        Drainer(conn).due(10)
    assert caught.value.sqlstate == "BP010"
