"""Changes of structure stay unsettled until nobody who may have missed them is left.

tests/concurrency shows that nothing is lost; here is how settling itself decides.
"""

from typing import Any
from uuid import UUID

import pytest
from drains import Connect, due
from psycopg import Connection

from support.builders import World
from support.oracle import assert_promises, drain

CHANGE = "update verses set chapter_id = 'gen-2', verse_number = 9 where id = 'gen-1-1'"


@pytest.fixture
def writer(connect: Connect) -> Connection[Any]:
    return connect()


@pytest.fixture
def version(writer: Connection[Any]) -> UUID:
    """A drained text version of a settled canon."""
    world = World(writer)
    world.canon()
    made = world.text_version()
    while unsettled(writer) or due(writer):
        drain(writer)
    return made


def unsettled(connection: Connection[Any]) -> int:
    row = connection.execute("select count(*) from progress.unsettled_change").fetchone()
    assert row is not None
    return row[0]


def settle(connection: Connection[Any]) -> int:
    row = connection.execute("select progress.resolve_unsettled_changes()").fetchone()
    assert row is not None
    return row[0]


def test_a_change_that_nobody_runs_beside_settles_and_signals_once(
    writer: Connection[Any], version: UUID
) -> None:
    writer.execute(CHANGE)
    writer.execute("delete from progress_refresh_queue")
    assert unsettled(writer) == 1
    while unsettled(writer):
        settle(writer)
    assert due(writer) == [("text", version)]
    assert settle(writer) == 0


def test_an_older_transaction_keeps_it_unsettled_and_its_versions_dirty(
    writer: Connection[Any], version: UUID, connect: Connect
) -> None:
    older = connect(autocommit=False)
    older.execute("insert into bible_versions (id, name) values ('other', 'Other')")
    writer.execute(CHANGE)
    for _ in range(3):
        drain(writer)
    assert unsettled(writer) == 1
    assert writer.execute("select version_id from progress.dirty").fetchall() == [(version,)]

    older.commit()
    drain(writer)
    drain(writer)
    assert unsettled(writer) == 0
    assert_promises(writer)


def test_each_round_waits_for_those_that_run_when_it_begins_and_for_no_younger_ones(
    writer: Connection[Any], version: UUID, connect: Connect
) -> None:
    def rounds_left() -> int:
        row = writer.execute("select rounds_left from progress.unsettled_change").fetchone()
        assert row is not None
        return row[0]

    writer.execute(CHANGE)
    oldest = connect(autocommit=False)
    oldest.execute("insert into bible_versions (id, name) values ('oldest', 'Oldest')")
    settle(writer)
    younger = connect(autocommit=False)
    younger.execute("insert into bible_versions (id, name) values ('younger', 'Younger')")
    settle(writer)
    assert rounds_left() == 2
    oldest.commit()
    settle(writer)
    assert rounds_left() == 1

    settle(writer)
    youngest = connect(autocommit=False)
    youngest.execute("insert into bible_versions (id, name) values ('youngest', 'Youngest')")
    settle(writer)
    assert unsettled(writer) == 1
    younger.commit()
    settle(writer)
    assert unsettled(writer) == 0


def test_an_older_snapshot_keeps_it_though_it_has_written_nothing_yet(
    writer: Connection[Any], version: UUID, connect: Connect
) -> None:
    """A REPEATABLE READ transaction has no transaction id before its first write; the chapter
    that it signals then is the one of its old snapshot."""
    older = connect(autocommit=False)
    older.execute("set transaction isolation level repeatable read")
    older.execute("select from verses")
    writer.execute(CHANGE)
    for _ in range(3):
        drain(writer)
    older.execute(
        "insert into verse_texts (text_version_id, verse_id, verse_text)"
        " values (%s, 'gen-1-1', 'Words.')",
        [version],
    )
    older.commit()
    for _ in range(3):
        drain(writer)
    assert_promises(writer)


@pytest.mark.parametrize("table", ["books", "chapters", "verses"])
@pytest.mark.parametrize("which", ["true", "false"])
def test_an_old_snapshot_that_changes_nothing_leaves_nothing(
    writer: Connection[Any], version: UUID, connect: Connect, table: str, which: str
) -> None:
    older = connect(autocommit=False)
    older.execute("set transaction isolation level repeatable read")
    older.execute(f"update {table} set id = id where {which}")  # type: ignore[arg-type]
    older.commit()
    assert unsettled(writer) == 0
    queue = writer.execute("select from progress_refresh_queue where chapter_id is null")
    assert queue.fetchall() == []


def test_a_change_does_not_settle_in_its_own_transaction(version: UUID, connect: Connect) -> None:
    """Until it commits everybody may miss it, those included who have yet to begin."""
    changing = connect(autocommit=False)
    changing.execute(CHANGE)
    settle(changing)
    settle(changing)
    assert unsettled(changing) == 1
