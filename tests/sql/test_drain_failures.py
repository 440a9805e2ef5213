"""A version that fails keeps its signals, backs off, and delays nobody (G5)."""

import psycopg
import pytest
from drains import Connect, break_version, drain_version, due, failure, mend
from scene import Scene
from signals import queued

from oracle.checks import assert_promises, assert_right
from support.builders import World
from support.oracle import assert_same


@pytest.fixture
def broken(scene: Scene) -> Scene:
    """A scene in which text A has a signal and cannot be drained."""
    break_version(scene.connection, scene.text_a)
    scene.world.text(scene.text_a, ["gen-1-2", "exod-2-1"])
    return scene


def test_a_failure_keeps_the_signals_and_says_why(broken: Scene) -> None:
    before = queued(broken.connection)
    found = drain_version(broken.connection, "text", broken.text_a)
    assert (found.outcome, found.rows_changed) == ("failed", 0)
    assert found.error is not None
    assert found.error.startswith("23514: no room for")
    assert queued(broken.connection) == before
    recorded = failure(broken.connection, broken.text_a)
    assert recorded is not None
    assert recorded.attempts == 1
    assert recorded.last_error == found.error
    assert_promises(broken.connection)


def test_a_failure_leaves_nothing_half_refreshed(broken: Scene) -> None:
    count = "select count(*) from progress.chapter_bitmap where version_id = %s"
    before = broken.connection.execute(count, [broken.text_a]).fetchone()
    drain_version(broken.connection, "text", broken.text_a)
    assert broken.connection.execute(count, [broken.text_a]).fetchone() == before


def test_attempts_back_off_with_jitter_up_to_a_cap(broken: Scene) -> None:
    """Window n is base * 2^n seconds, at most the cap; the wait is anywhere inside."""
    broken.connection.execute(
        "update progress.settings set backoff_base = '1 second', backoff_cap = '20 seconds'"
    )
    waits = []
    for attempt in range(1, 41):
        drain_version(broken.connection, "text", broken.text_a)
        recorded = failure(broken.connection, broken.text_a)
        assert recorded is not None
        assert recorded.attempts == attempt
        # The two clocks are read in neighbouring statements.
        assert 0 <= recorded.next_attempt_in < min(20.0, 2.0**attempt) + 1
        waits.append(recorded.next_attempt_in)
    late = waits[5:]
    assert len(set(late)) == len(late), "no jitter"
    assert min(late) < 10 < max(late), "the window is not used from end to end"


def test_a_version_that_backs_off_is_not_due_while_the_others_drain(broken: Scene) -> None:
    broken.world.text(broken.text_b, ["gen-1-2"])
    broken.world.recording(broken.audio_a, chapter="gen-1")
    broken.connection.execute("update progress.settings set backoff_base = '1 hour'")
    assert drain_version(broken.connection, "text", broken.text_a).outcome == "failed"
    broken.connection.execute(
        "update progress.failure set next_attempt_at = clock_timestamp() + interval '9 minutes'"
    )

    assert due(broken.connection) == [("text", broken.text_b), ("audio", broken.audio_a)]
    for kind, version in due(broken.connection):
        assert drain_version(broken.connection, kind, version).outcome == "drained"
    assert due(broken.connection) == []
    assert_promises(broken.connection)

    broken.connection.execute("update progress.failure set next_attempt_at = clock_timestamp()")
    assert due(broken.connection) == [("text", broken.text_a)]


def test_a_long_queue_of_a_failing_version_hides_nobody(broken: Scene) -> None:
    """due_versions looks at a bounded part of the queue: those who back off must not fill it."""
    broken.connection.execute(
        "insert into progress_refresh_queue (kind, version_id, chapter_id)"
        " select 'text', %s, 'old-' || n from generate_series(1, 500) as n",
        [broken.text_a],
    )
    drain_version(broken.connection, "text", broken.text_a)
    broken.connection.execute(
        "update progress.failure set next_attempt_at = clock_timestamp() + interval '9 minutes'"
    )
    broken.world.text(broken.text_b, ["gen-1-2"])
    assert due(broken.connection, 1) == [("text", broken.text_b)]


def test_a_success_forgets_the_failures(broken: Scene) -> None:
    drain_version(broken.connection, "text", broken.text_a)
    mend(broken.connection)
    assert drain_version(broken.connection, "text", broken.text_a).outcome == "drained"
    assert failure(broken.connection, broken.text_a) is None
    assert_right(broken.connection)


def test_a_version_that_is_clean_again_forgets_its_failures_with_the_next_drain(
    broken: Scene,
) -> None:
    """One that failed and was then deleted must not be listed as failing for ever."""
    drain_version(broken.connection, "text", broken.text_a)
    broken.connection.execute("delete from text_versions where id = %s", [broken.text_a])
    assert drain_version(broken.connection, "text", broken.text_a).outcome == "drained"
    assert failure(broken.connection, broken.text_a) is None


def test_a_cancelled_statement_is_a_failure_like_any_other(scene: Scene) -> None:
    """`when others` does not catch a timeout; without a record it would be tried at once again."""
    break_version(scene.connection, scene.text_a, "perform pg_sleep(30)")
    scene.world.text(scene.text_a, ["gen-1-2"])
    before = queued(scene.connection)
    scene.connection.execute("set local statement_timeout = '80ms'")
    found = drain_version(scene.connection, "text", scene.text_a)
    scene.connection.execute("set local statement_timeout = 0")
    assert found.outcome == "failed"
    assert found.error is not None
    assert found.error.startswith("57014: ")
    assert queued(scene.connection) == before
    recorded = failure(scene.connection, scene.text_a)
    assert recorded is not None
    assert recorded.attempts == 1


def test_a_failed_assertion_is_a_failure_like_any_other(scene: Scene) -> None:
    break_version(scene.connection, scene.text_a, "assert false, 'never so'")
    scene.world.text(scene.text_a, ["gen-1-2"])
    found = drain_version(scene.connection, "text", scene.text_a)
    assert (found.outcome, found.error) == ("failed", "P0004: never so")


def test_a_lock_timeout_is_a_failure_like_any_other(connect: Connect) -> None:
    one, two = connect(autocommit=False), connect()
    world = World(one)
    world.canon()
    version = world.text_version()
    world.text(version, ["gen-1-1"])
    one.commit()
    one.execute("lock table progress.version_rollup in exclusive mode")

    two.execute("set lock_timeout = '80ms'")
    found = drain_version(two, "text", version)
    assert found.outcome == "failed"
    assert found.error is not None
    assert found.error.startswith("55P03: ")
    one.rollback()
    assert {v for _, v, _ in queued(two)} == {version}

    assert drain_version(two, "text", version).outcome == "drained"
    assert_same(two)


def test_an_error_outside_of_the_version_is_raised_and_not_recorded(scene: Scene) -> None:
    """A drain in a read-only transaction says so, instead of blaming the version."""
    scene.world.text(scene.text_a, ["gen-1-2"])
    scene.connection.execute("set transaction read only")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        drain_version(scene.connection, "text", scene.text_a)
