"""What may pass by itself is tried for ever, the rest for a day; and no clock decides more."""

from __future__ import annotations

from typing import Any

import pytest
from drains import break_version, dead_letters, drain_version, due, failure, mend
from psycopg import Connection
from scene import Scene
from signals import queued

from oracle.checks import assert_promises, assert_right

PASSING = {
    "lock_not_available": "55P03",
    "object_in_use": "55006",
    "deadlock_detected": "40P01",
    "serialization_failure": "40001",
    "statement_completion_unknown": "40003",
    "admin_shutdown": "57P01",
    "crash_shutdown": "57P02",
    "cannot_connect_now": "57P03",
    "idle_session_timeout": "57P05",
    "transaction_timeout": "25P04",
    "read_only_sql_transaction": "25006",
    "connection_failure": "08006",
    "connection_exception": "08000",
    "disk_full": "53100",
    "out_of_memory": "53200",
    "too_many_connections": "53300",
    "snapshot_too_old": "72000",
    "io_error": "58030",
}
LASTING = {
    "check_violation": "23514",
    "division_by_zero": "22012",
    "undefined_column": "42703",
    "insufficient_privilege": "42501",
    "raise_exception": "P0001",
    "assert_failure": "P0004",
    "integrity violated on commit": "40002",
    "undefined_file": "58P01",
    "internal_error": "XX000",
    "data_corrupted": "XX001",
    "a drain that is not ours": "BP004",
}


@pytest.fixture
def waiting(scene: Scene) -> Scene:
    """A scene in which text A has a signal."""
    scene.world.text(scene.text_a, ["gen-1-2"])
    scene.connection.execute("update progress.settings set dead_after = '0'")
    return scene


def fail(scene: Scene, code: str) -> str:
    """Let one drain of text A fail with this SQLSTATE; return the outcome."""
    break_version(
        scene.connection, scene.text_a, f"raise exception 'broken' using errcode = '{code}'"
    )
    outcome = drain_version(scene.connection, "text", scene.text_a).outcome
    mend(scene.connection)
    return outcome


@pytest.mark.parametrize("code", PASSING.values(), ids=PASSING)
def test_what_may_pass_by_itself_never_dies(waiting: Scene, code: str) -> None:
    before = queued(waiting.connection)
    assert [fail(waiting, code) for _ in range(3)] == ["failed"] * 3
    age(waiting.connection, "30 days")
    assert fail(waiting, code) == "failed"
    assert queued(waiting.connection) == before
    assert_promises(waiting.connection)
    assert drain_version(waiting.connection, "text", waiting.text_a).outcome == "drained"
    assert_right(waiting.connection)


@pytest.mark.parametrize("code", LASTING.values(), ids=LASTING)
def test_everything_else_dies_in_time(waiting: Scene, code: str) -> None:
    assert fail(waiting, code) == "dead"
    assert_promises(waiting.connection)


def test_a_timeout_may_pass_too(scene: Scene) -> None:
    """Its drains are in tests/faults/test_statement_timeouts.py."""
    assert scene.connection.execute("select progress.may_pass('57014')").fetchone() == (True,)


def age(connection: Connection[Any], by: str) -> None:
    """Make what failed have failed earlier."""
    connection.execute(
        "update progress.failure set failing_since = failing_since - %(by)s::interval,"
        " fault_since = fault_since - %(by)s::interval, failed_at = failed_at - %(by)s::interval",
        {"by": by},
    )


def test_the_rest_is_tried_for_a_day(scene: Scene) -> None:
    scene.world.text(scene.text_a, ["gen-1-2"])
    assert [fail(scene, "23514") for _ in range(20)] == ["failed"] * 20
    age(scene.connection, "23 hours")
    assert fail(scene, "23514") == "failed"
    age(scene.connection, "2 hours")
    assert fail(scene, "23514") == "dead"


def test_the_day_begins_with_the_first_error_that_lasts(scene: Scene) -> None:
    scene.world.text(scene.text_a, ["gen-1-2"])
    fail(scene, "55P03")
    age(scene.connection, "30 days")
    assert fail(scene, "23514") == "failed"
    age(scene.connection, "1 day")
    assert fail(scene, "55P03") == "failed"
    assert fail(scene, "23514") == "dead"


@pytest.mark.parametrize(
    ("error", "dies"),
    [("08006: the connection was lost", False), ("XX000: broken", True), ("no SQLSTATE", True)],
)
def test_a_lost_drain_is_decided_the_same_way(waiting: Scene, error: str, dies: bool) -> None:
    waiting.connection.execute(
        "select progress.record_lost_drain('text', %s, %s)", [waiting.text_a, error]
    )
    assert bool(dead_letters(waiting.connection)) is dies
    assert (failure(waiting.connection, waiting.text_a) is None) is dies


def test_the_status_says_since_when_a_version_fails(scene: Scene) -> None:
    seconds = "select failing_seconds from progress.status"
    assert scene.connection.execute(seconds).fetchone() == (None,)
    scene.world.text(scene.text_a, ["gen-1-2"])
    fail(scene, "23514")
    age(scene.connection, "2 hours")
    row = scene.connection.execute(seconds).fetchone()
    assert row is not None
    assert 7200 <= row[0] < 7300
    # Death changes nothing of it.
    scene.connection.execute("update progress.settings set dead_after = '1 hour'")
    assert fail(scene, "23514") == "dead"
    row = scene.connection.execute(seconds).fetchone()
    assert row is not None
    assert 7200 <= row[0] < 7300
    row = scene.connection.execute(
        "select failing_seconds from progress.current_status()"
    ).fetchone()
    assert row is not None
    assert row[0] >= 7200


@pytest.mark.parametrize("hours", [1, 24, 24 * 400])
def test_a_clock_that_went_back_puts_no_attempt_off(scene: Scene, hours: int) -> None:
    scene.world.text(scene.text_a, ["gen-1-2"])
    fail(scene, "23514")
    age(scene.connection, f"-{hours} hours")
    scene.connection.execute(
        "update progress.failure set next_attempt_at = next_attempt_at + make_interval(hours => %s)",
        [hours],
    )
    backing_off = "select progress.is_backing_off('text', %s)"
    assert due(scene.connection) == [("text", scene.text_a)]
    assert scene.connection.execute(backing_off, [scene.text_a]).fetchone() == (False,)
    # The day is counted anew.
    assert fail(scene, "23514") == "failed"
    age(scene.connection, "25 hours")
    assert fail(scene, "23514") == "dead"


def test_an_attempt_within_the_cap_is_waited_for(scene: Scene) -> None:
    scene.world.text(scene.text_a, ["gen-1-2"])
    fail(scene, "23514")
    scene.connection.execute(
        "update progress.failure set next_attempt_at = clock_timestamp() + interval '9 minutes'"
    )
    assert due(scene.connection) == []


@pytest.mark.parametrize(
    ("seen", "alive"), [("-2 s", 1), ("-1 min", 0), ("1 min", 0), ("1 day", 0)]
)
def test_a_worker_lives_while_its_beat_is_near(scene: Scene, seen: str, alive: int) -> None:
    run = scene.connection.execute
    run(
        "select progress.beat(gen_random_uuid(), 'one', 0, clock_timestamp() + %s::interval)",
        [seen],
    )
    run("update progress.worker set seen_at = clock_timestamp() + %s::interval", [seen])
    row = run("select workers, last_drain_at <= clock_timestamp() from progress.status").fetchone()
    assert row == (alive, True)


@pytest.mark.parametrize("seen", ["-2 days", "2 days"])
def test_a_worker_of_another_time_is_forgotten(scene: Scene, seen: str) -> None:
    run = scene.connection.execute
    run("select progress.beat(gen_random_uuid(), 'one', 0, null)")
    run("update progress.worker set seen_at = clock_timestamp() + %s::interval", [seen])
    run("select progress.leave(gen_random_uuid())")
    assert run("select from progress.worker").rowcount == 0


@pytest.mark.parametrize("shift", ["-1 day", "1 day"])
def test_a_signal_of_another_time_is_old_and_stale(scene: Scene, shift: str) -> None:
    """What no alert could see before: an age below zero."""
    scene.world.text(scene.text_a, ["gen-1-2"])
    run = scene.connection.execute
    run("update progress_refresh_queue set enqueued_at = enqueued_at + %s::interval", [shift])
    row = run("select oldest_signal_seconds from progress.status").fetchone()
    assert row is not None
    assert 86000 < row[0] < 86500
    row = run(
        "select stale_seconds, as_of <= statement_timestamp(), pending"
        " from progress.freshness('text', %s, true)",
        [scene.text_a],
    ).fetchone()
    assert row is not None
    assert row[0] > 86000
    assert row[1:] == (True, True)
    drained = drain_version(scene.connection, "text", scene.text_a)
    assert drained.lag_seconds is not None
    assert drained.lag_seconds >= 0
    row = run("select oldest_signal_seconds from progress.status").fetchone()
    assert row == (0,)


def test_the_last_day_of_the_history_is_the_present(scene: Scene) -> None:
    """A clock that was a day ahead left a day behind that has not come."""
    run = scene.connection.execute
    scene.world.text(scene.text_a, ["gen-1-2"])
    drain_version(scene.connection, "text", scene.text_a)
    run("update progress.version_history set day = day + 1")
    scene.world.text(scene.text_a, ["gen-1-3"])
    drain_version(scene.connection, "text", scene.text_a)
    row = run(
        "select h.covered_verses = r.covered_verses, h.day = (now() at time zone 'UTC')::date"
        " from progress.version_history h join progress.version_rollup r using (kind, version_id)"
        " where version_id = %s order by h.day desc limit 1",
        [scene.text_a],
    ).fetchone()
    assert row == (True, True)
