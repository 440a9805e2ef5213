"""progress.drain, for schedulers: bounded in versions and in time, committing as it goes."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from drains import Connect, break_version, drain_version, due, failure
from psycopg import Connection

from support.builders import World
from support.oracle import assert_promises, assert_same


@pytest.fixture
def session(connect: Connect) -> Connection[Any]:
    return connect()


@pytest.fixture
def dirty(session: Connection[Any]) -> list[UUID]:
    """Six versions with a signal each, oldest first."""
    world = World(session)
    world.canon()
    versions = [world.text_version() for _ in range(6)]
    for version in versions:
        world.text(version, ["gen-1-1"])
    session.execute("delete from progress.unsettled_change")
    session.execute("delete from progress_refresh_queue where chapter_id is not null")
    return versions


def test_it_drains_everything_that_fits(session: Connection[Any], dirty: list[UUID]) -> None:
    session.execute("call progress.drain()")
    assert due(session) == []
    assert_same(session)


def test_it_stops_after_so_many_versions(session: Connection[Any], dirty: list[UUID]) -> None:
    session.execute("call progress.drain(p_versions => 4)")
    assert [version for _, version in due(session)] == dirty[4:]
    session.execute("call progress.drain(p_versions => 0)")
    assert len(due(session)) == 2
    assert_promises(session)


def test_it_stops_after_so_much_time_and_keeps_what_it_did(
    session: Connection[Any], dirty: list[UUID]
) -> None:
    """Each version takes 0.25 s here: some fit, six do not."""
    session.execute(
        "create function slow() returns trigger language plpgsql as"
        " $$ begin perform pg_sleep(0.25); return new; end $$"
    )
    session.execute(
        "create trigger slow before insert on progress.version_rollup"
        " for each row execute function slow()"
    )
    session.execute("call progress.drain(p_seconds => 0.6)")
    left = [version for _, version in due(session)]
    assert 3 <= len(left) < 6
    assert left == dirty[-len(left) :], "not the oldest first"
    assert_promises(session)


def test_no_time_at_all_drains_nothing(session: Connection[Any], dirty: list[UUID]) -> None:
    session.execute("call progress.drain(p_seconds => 0)")
    assert len(due(session)) == 6


def test_a_failing_version_does_not_stop_the_others(
    session: Connection[Any], dirty: list[UUID]
) -> None:
    session.execute("update progress.settings set backoff_base = '1 hour'")
    break_version(session, dirty[0])
    session.execute("call progress.drain(p_versions => 6)")
    left = {version for (version,) in session.execute("select version_id from progress.dirty")}
    assert left == {dirty[0]}
    assert_promises(session)


def test_a_failure_is_one_attempt_however_many_drains_overlap(
    session: Connection[Any], dirty: list[UUID], connect: Connect
) -> None:
    """One is in the middle of its list when another fails with a version further down."""
    first, bad, *_ = dirty
    holder, other = connect(autocommit=False), connect()
    session.execute("update progress.settings set backoff_base = '1 hour', backoff_cap = '1 day'")
    break_version(session, bad)
    session.execute(
        "create function held() returns trigger language plpgsql as"
        " $$ begin perform pg_advisory_xact_lock(4711); return new; end $$"
    )
    session.execute(
        "create trigger held before insert on progress.version_rollup for each row"  # type: ignore[arg-type]
        f" when (new.version_id = '{first}') execute function held()"
    )
    holder.execute("select pg_advisory_xact_lock(4711)")
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(other.execute, "call progress.drain()")
        waiting = "select from pg_locks where locktype = 'advisory' and not granted"
        while not session.execute(waiting).rowcount:
            assert not running.done()
        assert drain_version(session, "text", bad).outcome == "failed"
        session.execute("update progress.failure set next_attempt_at = now() + interval '1 hour'")
        holder.commit()
        running.result(240)
    found = failure(session, bad)
    assert found is not None
    assert found.attempts == 1
    assert [version for _, version in due(session)] == []


def test_a_version_that_another_session_drains_is_passed_over(
    session: Connection[Any], dirty: list[UUID], connect: Connect
) -> None:
    other = connect(autocommit=False)
    other.execute("select progress.drain_version('text', %s)", [dirty[0]])
    session.execute("call progress.drain()")
    assert [version for _, version in due(session)] == [dirty[0]]
    other.commit()
    assert due(session) == []
    assert_same(session)


def test_it_sees_what_is_written_while_it_runs(session: Connection[Any], dirty: list[UUID]) -> None:
    """A drain that signals another version is a stand-in for a writer beside it."""
    session.execute(
        "create function chain() returns trigger language plpgsql as $$ begin"
        f" insert into public.progress_refresh_queue (kind, version_id) values ('text', '{dirty[0]}');"
        " return new; end $$"
    )
    session.execute(
        "create trigger chain after insert on progress.version_rollup for each row"  # type: ignore[arg-type]
        f" when (new.version_id = '{dirty[5]}') execute function chain()"
    )
    session.execute("call progress.drain()")
    assert due(session) == []
    assert_same(session)
