"""Sessions that a test steps through, one statement at a time, each free to wait for another.

Every session runs its statements in a thread of its own, so the test keeps control while one
waits. Nothing here sleeps to synchronise: a test goes on when a statement has ended, or when
PostgreSQL itself says who waits for whom.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as StillRunning
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from psycopg import Connection

from . import oracle
from .builders import World

# How long a statement may take before the test gives up. Far above what one needs.
WAIT_SECONDS = 240.0
_POLL_SECONDS = 0.005

Rows = list[tuple[Any, ...]]
Parameters = Sequence[object] | Mapping[str, object]

# Not truncated: that would throw away every cached plan, and planning is what takes the time.
_EMPTY = """
    delete from media_files;
    delete from language_entities;
    delete from bible_versions;
    delete from users;
    delete from progress_refresh_queue;
    delete from progress_refresh_dead_letter;
    delete from progress.unsettled_change;
    delete from progress.failure;
    delete from progress.chapter_bitmap;
    delete from progress.book_rollup;
    delete from progress.version_rollup;
    delete from progress.version_history;
    delete from progress.timed_version;
    delete from progress.queue_watermark;
"""


class Session:
    """One connection whose statements run in the background."""

    def __init__(self, name: str, connection: Connection[Any], observer: Connection[Any]) -> None:
        assert connection.autocommit, "transactions are opened by begin()"
        self.name = name
        self.connection = connection
        self.pid = connection.info.backend_pid
        self._observer = observer
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._running: Future[Rows] | None = None

    def start(self, statement: str, parameters: Parameters = ()) -> None:
        """Send a statement and return at once."""
        assert self._running is None, f"{self.name} still runs its last statement"
        self._running = self._thread.submit(self._execute, statement, parameters)

    def finish(self) -> Rows:
        """Wait for the statement that runs; return its rows or raise its error."""
        assert self._running is not None, f"{self.name} runs nothing"
        running, self._running = self._running, None
        try:
            return running.result(WAIT_SECONDS)
        except StillRunning:
            blockers = self.blockers()
            self.connection.cancel()
            running.exception(WAIT_SECONDS)
            raise AssertionError(f"{self.name} waits for sessions {blockers}") from None

    def run(self, statement: str, parameters: Parameters = ()) -> Rows:
        """Run a statement to its end."""
        self.start(statement, parameters)
        return self.finish()

    def begin(self, isolation: str = "read committed") -> None:
        """Open a transaction; REPEATABLE READ takes its snapshot here and now."""
        self.run(f"begin isolation level {isolation}")
        self.run("select pg_current_snapshot()")

    def commit(self) -> None:
        self.run("commit")

    def rollback(self) -> None:
        self.run("rollback")

    def start_drain(self, kind: str, version: UUID) -> None:
        self.start("select outcome from progress.drain_version(%s, %s)", [kind, version])

    def outcome(self) -> str:
        """Wait for the drain that runs and return its outcome."""
        [(outcome,)] = self.finish()
        return outcome

    def drain(self, kind: str, version: UUID) -> str:
        """Drain one version and return the outcome."""
        self.start_drain(kind, version)
        return self.outcome()

    def blockers(self) -> list[int]:
        """Return the process ids that this session waits for now."""
        row = self._observer.execute("select pg_blocking_pids(%s)", [self.pid]).fetchone()
        assert row is not None
        return list(row[0])

    def waits_for(self) -> list[int]:
        """Follow the statement until it waits or has ended; return the process ids it waits for."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self.is_running and time.monotonic() < deadline:
            assert self._running is not None
            if wait([self._running], timeout=_POLL_SECONDS).done:
                break
            if blockers := self.blockers():
                return blockers
        return []

    @property
    def is_started(self) -> bool:
        """Whether a statement was started and not yet finished, even if it has ended."""
        return self._running is not None

    @property
    def is_running(self) -> bool:
        return self._running is not None and not self._running.done()

    def close(self) -> None:
        """End the session; what it has not committed is rolled back."""
        if self.is_running:
            self.connection.cancel()
        self._thread.shutdown()
        self.connection.close()

    def _execute(self, statement: str, parameters: Parameters) -> Rows:
        cursor = self.connection.execute(statement, parameters or None)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def assert_blocked(session: Session, *, by: Session) -> None:
    """Assert that the running statement comes to wait for session `by`."""
    blockers = session.waits_for()
    assert by.pid in blockers, f"{session.name} waits for {blockers}, not for {by.name}"


def assert_not_blocked(session: Session) -> Rows:
    """Assert that the running statement ends without waiting for a session; return its rows."""
    blockers = session.waits_for()
    assert not blockers, f"{session.name} waits for sessions {blockers}"
    return session.finish()


class Stage:
    """A database with a world in it, the sessions that act on it, and the checks between steps."""

    def __init__(self, connect: Callable[[], Connection[Any]]) -> None:
        self.connect = connect
        self._sessions: list[Session] = []
        self.observer = connect()
        self.world = World(self.observer)
        self._checker = connect()
        # The checks are large statements: planned once, they take a tenth of the time.
        self.observer.prepare_threshold = self._checker.prepare_threshold = 0

    def session(self, name: str) -> Session:
        """Open a session; it is closed with the stage."""
        session = Session(name, self.connect(), self.observer)
        self._sessions.append(session)
        return session

    def hold(self, relation: str) -> Session:
        """Let nobody write a relation until the session returned ends its transaction.

        Readers pass: a drain stops in the middle, where it first writes this relation.
        """
        holder = self.session("holder")
        holder.begin()
        holder.run(f"lock table {relation} in share mode")
        return holder

    def execute(self, statement: str, parameters: Parameters = ()) -> Rows:
        """Run and commit a statement."""
        cursor = self.observer.execute(statement, parameters or None)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []

    def check(self) -> None:
        """Assert G1 and G2 for what is committed now."""
        with self._snapshot() as connection:
            wrong = oracle.differences(connection, clean_only=True)
            inexact = oracle.inexact(connection)
        assert not wrong, f"clean, but stored and live differ: {wrong}; exact differs: {inexact}"
        assert not inexact, f"exact and live differ: {inexact}"

    def drain(self) -> None:
        """Drain what is due, but for versions that another session drains, and check."""
        while "drained" in self.drain_once():
            pass
        self.check()

    def drain_once(self) -> list[str]:
        """Drain each version that is due once; return the outcomes."""
        outcomes: list[str] = []
        for kind, version in self.execute("select kind, version_id from progress.due_versions(99)"):
            [(outcome, error)] = self.execute(
                "select outcome, error from progress.drain_version(%s, %s)", [kind, version]
            )
            assert outcome in {"drained", "clean", "locked"}, error
            outcomes.append(outcome)
        return outcomes

    def rest(self) -> None:
        """Drain until nothing is dirty, and assert that everything is right.

        Only for when no transaction is open: changes of structure wait for all of them.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        rounds = 0
        while self.execute("select 1 from progress.dirty limit 1"):
            # What failed waits for its next attempt; the rest settles in a few rounds or never.
            rounds += not self.execute("select 1 from progress.failure")
            is_over = rounds == 100 or time.monotonic() > deadline
            assert not is_over, "something stays dirty"
            self.drain_once()
        with self._snapshot() as connection:
            wrong = oracle.differences(connection, clean_only=False) + oracle.inexact(connection)
        assert not wrong, f"at rest, but stored, live and exact differ: {wrong}"
        assert not self.execute("select 1 from progress.failure")

    def is_dirty(self, version: UUID) -> bool:
        return bool(
            self.execute("select 1 from progress.dirty where version_id = %s limit 1", [version])
        )

    def reset(self) -> None:
        """Close the sessions and empty the database."""
        while self._sessions:
            self._sessions.pop().close()
        self.empty()

    def empty(self) -> None:
        """Empty the database."""
        self.observer.execute(_EMPTY, prepare=False)
        self.execute(
            "select progress.refresh_materialized_views(k) from unnest('{audio,text}'::text[]) k"
        )

    def close(self) -> None:
        """Close every connection."""
        while self._sessions:
            self._sessions.pop().close()
        self.observer.close()
        self._checker.close()

    @contextmanager
    def _snapshot(self) -> Iterator[Connection[Any]]:
        # Ends with commit, because psycopg forgets its prepared statements at a rollback.
        self._checker.execute("begin isolation level repeatable read read only")
        try:
            yield self._checker
        finally:
            self._checker.execute("commit")
