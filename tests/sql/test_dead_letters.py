"""Signals that were given up: kept where reads stay exact, retried or discarded by hand."""

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from drains import break_version, dead_letters, drain_version, due, failure, kill, mend
from psycopg import Connection
from scene import Scene
from signals import queued

from oracle.checks import assert_promises, assert_right
from support.oracle import assert_same


@pytest.fixture
def dead(scene: Scene) -> Scene:
    """A scene in which two chapters of text A are dead letters."""
    break_version(scene.connection, scene.text_a)
    scene.world.text(scene.text_a, ["gen-1-2", "exod-2-1"])
    kill(scene.connection, "text", scene.text_a, attempts=3)
    return scene


def retry(connection: Connection[Any], ids: list[UUID] | None) -> int:
    row = connection.execute("select progress.retry_dead_letters(%s)", [ids]).fetchone()
    assert row is not None
    return row[0]


def letter_ids(connection: Connection[Any], chapter: str) -> list[UUID]:
    rows = connection.execute(
        "select id from progress_refresh_dead_letter where chapter_id = %s", [chapter]
    )
    return [row[0] for row in rows.fetchall()]


def test_after_the_last_attempt_the_signals_move_to_the_dead_letters(dead: Scene) -> None:
    assert queued(dead.connection) == set()
    assert dead_letters(dead.connection) == [
        ("text", dead.text_a, "exod-2", 3),
        ("text", dead.text_a, "gen-1", 3),
    ]
    assert failure(dead.connection, dead.text_a) is None
    assert due(dead.connection) == []


def test_reads_of_a_dead_version_stay_exact(dead: Scene) -> None:
    """It stays dirty in the dead letters, so exact reads go to the base tables."""
    assert_promises(dead.connection)
    stored, exact = (
        dead.connection.execute(statement, ["text", dead.text_a]).fetchone()
        for statement in (
            "select covered_verses from progress.version_rollup where (kind, version_id) ="
            " (%s, %s)",
            "select covered_verses from progress.exact_version(%s, %s)",
        )
    )
    assert (stored, exact) == ((3,), (5,))


def test_a_dead_version_does_not_delay_new_signals_of_its_own(dead: Scene) -> None:
    mend(dead.connection)
    dead.world.text(dead.text_a, ["gen-2-2"])
    assert due(dead.connection) == [("text", dead.text_a)]
    assert drain_version(dead.connection, "text", dead.text_a).outcome == "drained"
    # Where that went well, the dead ones may too.
    assert dead_letters(dead.connection) == []
    assert due(dead.connection) == [("text", dead.text_a)]
    assert_promises(dead.connection)
    assert_right(dead.connection)
    assert failure(dead.connection, dead.text_a) is None


def test_a_dead_chapter_that_still_fails_dies_again_at_once(dead: Scene) -> None:
    """The version drains elsewhere; its letters get one attempt, and remember since when."""
    since = "select min(failing_since) from progress_refresh_dead_letter"
    before = dead.connection.execute(since).fetchone()
    mend(dead.connection)
    dead.world.text(dead.text_a, ["gen-2-2"])
    drain_version(dead.connection, "text", dead.text_a)
    break_version(dead.connection, dead.text_a)
    assert drain_version(dead.connection, "text", dead.text_a).outcome == "dead"
    assert len(dead_letters(dead.connection)) == 2
    assert dead.connection.execute(since).fetchone() == before
    assert_promises(dead.connection)


def test_dead_letters_are_tried_again_every_day(dead: Scene) -> None:
    assert due(dead.connection) == []
    dead.connection.execute(
        "update progress_refresh_dead_letter set died_at = died_at - '1 day'::interval"
    )
    assert due(dead.connection) == [("text", dead.text_a)]
    assert_promises(dead.connection)
    assert drain_version(dead.connection, "text", dead.text_a).outcome == "dead"
    # One attempt, and the next one in a day.
    assert due(dead.connection) == []
    mend(dead.connection)
    dead.connection.execute(
        "update progress_refresh_dead_letter set died_at = died_at - '1 day'::interval"
    )
    assert due(dead.connection) == [("text", dead.text_a)]
    assert_right(dead.connection)


def test_one_that_died_before_the_clock_went_back_is_tried_again(dead: Scene) -> None:
    dead.connection.execute(
        "update progress_refresh_dead_letter set died_at = died_at + '1 day'::interval"
    )
    assert due(dead.connection) == [("text", dead.text_a)]


def test_a_successful_drain_of_its_chapter_clears_a_dead_letter(dead: Scene) -> None:
    mend(dead.connection)
    dead.world.text(dead.text_a, ["gen-1-3"])
    drain_version(dead.connection, "text", dead.text_a)
    assert dead_letters(dead.connection) == []
    assert queued(dead.connection) == {("text", dead.text_a, "exod-2")}
    assert_promises(dead.connection)


def test_a_successful_drain_of_the_whole_version_clears_all_of_them(dead: Scene) -> None:
    mend(dead.connection)
    dead.connection.execute(
        "insert into progress_refresh_queue (kind, version_id) values ('text', %s)", [dead.text_a]
    )
    drain_version(dead.connection, "text", dead.text_a)
    assert dead_letters(dead.connection) == []
    assert_right(dead.connection)


def test_a_drain_of_a_chapter_does_not_forget_a_dead_letter_of_the_whole_version(
    dead: Scene,
) -> None:
    dead.connection.execute(
        "update progress_refresh_dead_letter set chapter_id = null where chapter_id = 'gen-1'"
    )
    mend(dead.connection)
    dead.world.text(dead.text_a, ["gen-1-3"])
    drain_version(dead.connection, "text", dead.text_a)
    assert ("text", dead.text_a, None) in queued(dead.connection)
    assert_promises(dead.connection)


def test_a_failing_drain_of_a_dead_chapter_keeps_one_letter(dead: Scene) -> None:
    dead.world.text(dead.text_a, ["gen-1-3"])
    kill(dead.connection, "text", dead.text_a, attempts=2)
    assert dead_letters(dead.connection) == [
        ("text", dead.text_a, "exod-2", 3),
        ("text", dead.text_a, "gen-1", 2),
    ]
    assert_promises(dead.connection)


def test_a_retry_puts_the_letters_back_and_makes_them_due_at_once(dead: Scene) -> None:
    assert retry(dead.connection, None) == 2
    assert dead_letters(dead.connection) == []
    assert queued(dead.connection) == {
        ("text", dead.text_a, "gen-1"),
        ("text", dead.text_a, "exod-2"),
    }
    assert due(dead.connection) == [("text", dead.text_a)]
    assert_promises(dead.connection)

    mend(dead.connection)
    assert_right(dead.connection)


def test_a_retry_of_a_version_that_backs_off_makes_it_due_at_once(dead: Scene) -> None:
    dead.world.text(dead.text_a, ["gen-2-2"])
    drain_version(dead.connection, "text", dead.text_a)
    dead.connection.execute(
        "update progress.failure set next_attempt_at = clock_timestamp() + interval '9 minutes'"
    )
    assert due(dead.connection) == []
    retry(dead.connection, None)
    assert due(dead.connection) == [("text", dead.text_a)]


def test_a_retry_may_name_single_letters(dead: Scene) -> None:
    assert retry(dead.connection, letter_ids(dead.connection, "gen-1")) == 1
    assert queued(dead.connection) == {("text", dead.text_a, "gen-1")}
    assert dead_letters(dead.connection) == [("text", dead.text_a, "exod-2", 3)]
    assert retry(dead.connection, [uuid4()]) == 0
    assert retry(dead.connection, []) == 0


def test_discarding_is_refused_while_it_would_leave_wrong_numbers(dead: Scene) -> None:
    (letter,) = letter_ids(dead.connection, "gen-1")
    with pytest.raises(psycopg.Error) as refused, dead.connection.transaction():
        dead.connection.execute("select progress.discard_dead_letter(%s)", [letter])
    assert refused.value.sqlstate == "BP004"
    assert "still matters" in str(refused.value)
    assert len(dead_letters(dead.connection)) == 2


def test_discarding_is_allowed_once_the_numbers_are_right(dead: Scene) -> None:
    dead.connection.execute(
        "delete from verse_texts where text_version_id = %s"
        " and verse_id in ('gen-1-2', 'exod-2-1')",
        [dead.text_a],
    )
    dead.connection.execute("delete from progress_refresh_queue")
    for chapter in ("gen-1", "exod-2"):
        (letter,) = letter_ids(dead.connection, chapter)
        dead.connection.execute("select progress.discard_dead_letter(%s)", [letter])
    assert dead_letters(dead.connection) == []
    assert_same(dead.connection)


def test_discarding_a_letter_that_is_not_there_says_so(scene: Scene) -> None:
    letter = uuid4()
    with pytest.raises(psycopg.Error) as refused, scene.connection.transaction():
        scene.connection.execute("select progress.discard_dead_letter(%s)", [letter])
    assert refused.value.sqlstate == "BP002"
    assert str(letter) in str(refused.value)
