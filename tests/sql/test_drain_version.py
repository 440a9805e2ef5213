"""What a drain does to signals and rollups, one version and one transaction at a time."""

from typing import Any

import psycopg
import pytest
from drains import Connect, drain_version, due
from psycopg import Connection
from scene import Scene
from signals import queued

from oracle.checks import assert_right
from support.builders import World
from support.oracle import assert_same, drain

ROLLUPS = ("chapter_bitmap", "book_rollup", "version_rollup", "version_history")


def stored_rows(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    """Return every rollup row with the place and the transaction that wrote it."""
    return [
        (table, *row)
        for table in ROLLUPS
        for row in connection.execute(
            f"select ctid::text, xmin::text, t::text from progress.{table} as t order by ctid"
        ).fetchall()
    ]


def test_a_drain_claims_the_signals_and_refreshes_what_they_name(scene: Scene) -> None:
    scene.world.text(scene.text_a, ["gen-1-2", "exod-2-1"])
    found = drain_version(scene.connection, "text", scene.text_a)
    assert (found.outcome, found.signals, found.chapters, found.error) == ("drained", 2, 2, None)
    # Two bitmaps, two books, the summary and the day's history.
    assert found.rows_changed == 6
    assert found.lag_seconds is not None
    assert 0 <= found.lag_seconds < 60
    assert queued(scene.connection) == set()
    assert_same(scene.connection)


def test_a_version_without_a_signal_is_clean(scene: Scene) -> None:
    before = stored_rows(scene.connection)
    found = drain_version(scene.connection, "text", scene.text_a)
    assert (found.outcome, found.signals, found.rows_changed) == ("clean", 0, 0)
    assert stored_rows(scene.connection) == before


def test_a_version_that_never_was_is_clean(scene: Scene) -> None:
    assert drain_version(scene.connection, "audio", scene.text_a).outcome == "clean"


def test_a_drain_leaves_the_signals_of_other_versions_alone(scene: Scene) -> None:
    scene.world.text(scene.text_a, ["gen-1-2"])
    scene.world.text(scene.text_b, ["gen-1-2"])
    scene.world.recording(scene.audio_a, chapter="gen-1")
    drain_version(scene.connection, "text", scene.text_a)
    assert queued(scene.connection) == {
        ("text", scene.text_b, "gen-1"),
        ("audio", scene.audio_a, "gen-1"),
    }


@pytest.mark.parametrize("scope", ["chapter", "version"])
def test_a_drain_of_unchanged_data_writes_no_row(scene: Scene, scope: str) -> None:
    """G6. The signals are there, the numbers are right: nothing is rewritten."""
    before = stored_rows(scene.connection)
    chapter = None if scope == "version" else "gen-1"
    for kind, versions in (("text", scene.texts), ("audio", scene.audios)):
        for version in versions:
            scene.connection.execute(
                "insert into progress_refresh_queue (kind, version_id, chapter_id)"
                " values (%s, %s, %s)",
                [kind, version, chapter],
            )
            found = drain_version(scene.connection, kind, version)
            assert (found.outcome, found.rows_changed) == ("drained", 0)
    assert stored_rows(scene.connection) == before


def test_an_edit_and_its_opposite_before_the_drain_write_no_row(scene: Scene) -> None:
    before = stored_rows(scene.connection)
    scene.world.text(scene.text_a, ["gen-1-2"])
    scene.connection.execute(
        "delete from verse_texts where text_version_id = %s and verse_id = 'gen-1-2'",
        [scene.text_a],
    )
    assert drain_version(scene.connection, "text", scene.text_a).rows_changed == 0
    assert stored_rows(scene.connection) == before


def test_only_rows_that_differ_are_written(scene: Scene) -> None:
    before = set(stored_rows(scene.connection))
    scene.world.text(scene.text_a, ["gen-1-2"])
    found = drain_version(scene.connection, "text", scene.text_a)
    written = [row for row in stored_rows(scene.connection) if row not in before]
    # The bitmap of the chapter, its book, the summary and today's history.
    assert sorted(row[0] for row in written) == sorted(ROLLUPS)
    assert found.rows_changed == len(written)


def test_a_chapter_that_lost_its_last_verse_loses_its_bitmap(scene: Scene) -> None:
    scene.connection.execute(
        "delete from verse_texts where text_version_id = %s and verse_id = 'gen-1-1'",
        [scene.text_a],
    )
    drain_version(scene.connection, "text", scene.text_a)
    left = scene.connection.execute(
        "select chapter_id from progress.chapter_bitmap where version_id = %s order by 1",
        [scene.text_a],
    ).fetchall()
    assert left == [("exod-1",), ("gen-2",)]
    assert_same(scene.connection)


@pytest.mark.parametrize("how", ["update text_versions set deleted_at = now()", "delete from text_versions"])  # fmt: skip
def test_a_version_that_is_gone_leaves_no_row_but_its_history(scene: Scene, how: str) -> None:
    scene.connection.execute(f"{how} where id = %s", [scene.text_a])
    drain(scene.connection)
    counts = {
        table: scene.connection.execute(
            f"select count(*) from progress.{table} where version_id = %s", [scene.text_a]
        ).fetchone()
        for table in ROLLUPS
    }
    assert counts.pop("version_history") == (1,)
    assert set(counts.values()) == {(0,)}
    assert_same(scene.connection)


def test_books_and_chapters_that_are_gone_leave_the_rollups(scene: Scene) -> None:
    scene.connection.execute("delete from books where id = 'exod'")
    assert_right(scene.connection)
    left = scene.connection.execute(
        "select distinct chapter_id from progress.chapter_bitmap where chapter_id like 'exod%'"
        " union all select distinct book_id from progress.book_rollup where book_id = 'exod'"
    ).fetchall()
    assert left == []


def test_a_signal_for_a_chapter_that_does_not_exist_is_drained(scene: Scene) -> None:
    scene.connection.execute(
        "insert into progress_refresh_queue (kind, version_id, chapter_id)"
        " values ('text', %s, 'nowhere-1')",
        [scene.text_a],
    )
    found = drain_version(scene.connection, "text", scene.text_a)
    assert (found.outcome, found.rows_changed) == ("drained", 0)


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_drain_refuses_a_transaction_with_one_old_snapshot(
    scene: Scene, connect: Connect, level: str
) -> None:
    session = connect(autocommit=False)
    session.execute(f"set transaction isolation level {level}")
    with pytest.raises(psycopg.Error) as refused:
        drain_version(session, "text", scene.text_a)
    assert refused.value.sqlstate == "BP004"
    assert level.upper() in str(refused.value)


def test_a_version_that_another_session_drains_is_locked_and_keeps_its_signals(
    connect: Connect,
) -> None:
    one, two = connect(autocommit=False), connect()
    world = World(one)
    world.canon()
    version = world.text_version()
    world.text(version, ["gen-1-1"])
    one.commit()
    assert drain_version(one, "text", version).outcome == "drained"

    found = drain_version(two, "text", version)
    assert (found.outcome, found.signals, found.rows_changed) == ("locked", 0, 0)

    one.rollback()
    assert ("text", version) in due(two)
    assert drain_version(two, "text", version).outcome == "drained"
    assert_same(two)


def test_a_drain_that_is_rolled_back_leaves_signals_and_numbers_as_they_were(
    scene: Scene,
) -> None:
    scene.world.text(scene.text_a, ["gen-1-2"])
    before, signals = stored_rows(scene.connection), queued(scene.connection)
    with scene.connection.transaction(force_rollback=True):
        assert drain_version(scene.connection, "text", scene.text_a).outcome == "drained"
    assert stored_rows(scene.connection) == before
    assert queued(scene.connection) == signals
