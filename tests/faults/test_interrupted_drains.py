"""A drain that fails is a record and a later attempt: no signal is lost, nobody else waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from acceptance.command_line import soon
from acceptance.installation import BLOCKED_DRAIN, Installation, held
from support import oracle

Connect = Callable[..., Connection[Any]]
DRAIN = "select outcome, error from progress.drain_version('text', %s)"


@pytest.fixture
def version(site: Installation) -> UUID:
    """A text with a signal: one more verse than is stored."""
    [version] = site.texts(1)
    site.touch(version)
    return version


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def drain(connection: Connection[Any], version: UUID) -> tuple[str, str | None]:
    row = connection.execute(DRAIN, [version]).fetchone()
    assert row is not None
    return row[0], row[1]


@contextmanager
def waiting_drain(
    site: Installation,
    version: UUID,
    thread: ThreadPoolExecutor,
    *,
    drainer: Connection[Any],
    holder: Connection[Any],
) -> Iterator[Future[tuple[str, str | None]]]:
    """A drain that has claimed its signals and waits in the middle for what `holder` holds."""
    with held(holder, version):
        running = thread.submit(drain, drainer, version)
        assert soon(lambda: site.rows(BLOCKED_DRAIN))
        yield running


def attempts(site: Installation) -> list[tuple[int, str]]:
    return site.rows("select attempts, left(last_error, 5) from progress.failure")  # type: ignore[return-value]


def assert_kept_and_exact(site: Installation, version: UUID) -> None:
    """Assert that the signal is still there, and that exact reads go live because of it."""
    assert site.queued() == 1
    assert site.covered(version) == 2
    with oracle.snapshot(site.connection) as connection:
        oracle.assert_promises(connection)


def assert_cured(site: Installation, version: UUID) -> None:
    assert drain(site.connection, version) == ("drained", None)
    assert site.covered(version) == 3
    assert attempts(site) == []
    site.assert_right()


@pytest.mark.parametrize(
    ("timeout", "code"), [("statement_timeout", "57014"), ("lock_timeout", "55P03")]
)
def test_a_timeout_in_the_middle_is_recorded(
    site: Installation, version: UUID, connect: Connect, timeout: str, code: str
) -> None:
    drainer = connect()
    drainer.execute(f"set {timeout} = '100 ms'")
    with held(connect(), version):
        outcome, error = drain(drainer, version)
        assert outcome == "failed"
        assert error is not None
        assert error.startswith(code)
        assert_kept_and_exact(site, version)
    assert attempts(site) == [(1, code)]
    # Put off: the version is not due at once, so that it cannot keep a worker busy.
    site.run("update progress.failure set next_attempt_at = now() + interval '9 minutes'")
    assert site.rows("select * from progress.due_versions(10)") == []
    assert_cured(site, version)


@pytest.mark.parametrize("code", ["40001", "40P01", "23505", "P0004", "P0003", "53200"])
def test_any_error_of_a_host_trigger_is_recorded(
    site: Installation, version: UUID, code: str
) -> None:
    site.run(
        "create function fail() returns trigger language plpgsql as $$ begin"
        f" raise exception 'provoked' using errcode = '{code}'; end $$"
    )
    site.run(
        "create trigger fail after insert or update on progress.version_rollup"
        " for each row execute function fail()"
    )
    for attempt in (1, 2):
        assert drain(site.connection, version) == ("failed", f"{code}: provoked")
        assert attempts(site) == [(attempt, code)]
        assert_kept_and_exact(site, version)
    site.stop_failing()
    assert_cured(site, version)


def test_a_deadlock_with_a_session_of_the_host_is_survived(
    site: Installation, version: UUID, connect: Connect, thread: ThreadPoolExecutor
) -> None:
    drainer, host = connect(), connect(autocommit=False)
    # Looked for once, so long after a wait began: the host's begins before the drain's does.
    drainer.execute("set deadlock_timeout = '50 ms'")
    host.execute("set deadlock_timeout = '1 h'")
    host.execute("lock table progress.version_history in share mode")
    with ThreadPoolExecutor(1) as other:
        with waiting_drain(site, version, thread, drainer=drainer, holder=connect()) as running:
            # The drain holds the bitmap that the host wants, the host the history it wants.
            waiting = other.submit(
                host.execute, "update progress.chapter_bitmap set covered = covered"
            )
            blocked = "select from unnest(pg_blocking_pids(%s)) as by (pid) where by.pid = %s"
            pids = host.info.backend_pid, drainer.info.backend_pid
            assert soon(lambda: site.rows(blocked, *pids))
        assert running.result(240)[0] == "failed"
        waiting.result(240)
    host.rollback()
    assert attempts(site) == [(1, "40P01")]
    assert_cured(site, version)


def test_a_killed_backend_gives_its_signals_back(
    site: Installation, version: UUID, connect: Connect, thread: ThreadPoolExecutor
) -> None:
    drainer = connect()
    with waiting_drain(site, version, thread, drainer=drainer, holder=connect()) as running:
        # Claimed, so another drain finds it locked and does not wait.
        assert drain(site.connection, version) == ("locked", None)
        assert_kept_and_exact(site, version)
        site.rows("select pg_terminate_backend(%s)", drainer.info.backend_pid)
        with pytest.raises(psycopg.OperationalError):
            running.result(240)
        assert soon(lambda: drain_is_free(site, version))
        assert_kept_and_exact(site, version)
    assert attempts(site) == []
    assert_cured(site, version)


def test_writers_pass_while_a_drain_waits(
    site: Installation, version: UUID, connect: Connect, thread: ThreadPoolExecutor
) -> None:
    writer = connect()
    writer.execute("set lock_timeout = '2 s'")
    with waiting_drain(site, version, thread, drainer=connect(), holder=connect()) as running:
        writer.execute("update verse_texts set verse_text = '' where verse_id = 'gen-1-1'")
        writer.execute("delete from verse_texts where verse_id = 'gen-1-2'")
        with oracle.snapshot(site.connection) as connection:
            oracle.assert_promises(connection)
    assert running.result(240) == ("drained", None)
    # What was written meanwhile has signals of its own.
    assert site.queued() > 0
    site.drain()
    assert site.covered(version) == 1
    site.assert_right()


def test_after_enough_attempts_the_signals_are_dead_letters_and_reads_stay_exact(
    site: Installation, version: UUID
) -> None:
    site.fail_drains_of(version)
    outcomes = [drain(site.connection, version)[0] for _ in range(2)]
    site.run("update progress.settings set dead_after = '0'")
    outcomes.append(drain(site.connection, version)[0])
    assert outcomes == ["failed", "failed", "dead"]
    assert (site.queued(), site.dead()) == (0, 1)
    with oracle.snapshot(site.connection) as connection:
        oracle.assert_promises(connection)
    assert drain(site.connection, version) == ("clean", None)
    # A later write of the same chapter brings it back to life.
    site.stop_failing()
    site.touch(version, "gen-1-3")
    site.drain()
    assert (site.dead(), site.covered(version)) == (0, 4)
    site.assert_right()


def test_a_drain_in_another_isolation_level_is_refused_and_loses_nothing(
    site: Installation, version: UUID
) -> None:
    with (
        oracle.snapshot(site.connection) as connection,
        pytest.raises(psycopg.DatabaseError, match="READ COMMITTED"),
    ):
        connection.execute(DRAIN, [version])
    assert_kept_and_exact(site, version)


def test_a_statement_that_an_operator_cancels_is_no_failure_of_the_version(
    site: Installation, version: UUID, connect: Connect, thread: ThreadPoolExecutor
) -> None:
    """A Ctrl-C cancels like this; a version must not back off, or die, because of it."""
    drainer = connect()
    with waiting_drain(site, version, thread, drainer=drainer, holder=connect()) as running:
        site.rows("select pg_cancel_backend(%s)", drainer.info.backend_pid)
        with pytest.raises(psycopg.errors.QueryCanceled):
            running.result(240)
        assert_kept_and_exact(site, version)
    assert attempts(site) == []
    assert_cured(site, version)


def drain_is_free(site: Installation, version: UUID) -> bool:
    lock = "select pg_try_advisory_xact_lock(progress.version_lock_key('text', %s))"
    return site.value(lock, version)
