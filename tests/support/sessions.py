"""Sessions that a test steps through, one statement at a time, each free to wait for another.

Every session runs its statements in a thread of its own, so the test keeps control while one
waits. Nothing here sleeps to synchronise: a test goes on when a statement has ended, or when
PostgreSQL itself says who waits for whom.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from . import oracle
from .builders import World

# How long a statement may take before the test gives up. Far above what one needs.
WAIT_SECONDS = 20.0
_POLL_SECONDS = 0.005

Rows = list[tuple[Any, ...]]


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

    def start(self, statement: str, parameters: Sequence[object] = ()) -> None:
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

    def run(self, statement: str, parameters: Sequence[object] = ()) -> Rows:
        """Run a statement to its end."""
        self.start(statement, parameters)
        return self.finish()

    def begin(self, isolation: str = "read committed") -> None:
        self.run(f"begin isolation level {isolation}")

    def commit(self) -> None:
        self.run("commit")

    def rollback(self) -> None:
        self.run("rollback")

    def start_drain(self, kind: str, version: UUID) -> None:
        self.start("select outcome from progress.drain_version(%s, %s)", [kind, version])

    def drain(self, kind: str, version: UUID) -> str:
        """Drain one version and return the outcome."""
        self.start_drain(kind, version)
        return self.outcome()

    def outcome(self) -> str:
        """Wait for the drain that runs and return its outcome."""
        [(outcome,)] = self.finish()
        return outcome

    def blockers(self) -> list[int]:
        """Return the process ids that this session waits for now."""
        row = self._observer.execute("select pg_blocking_pids(%s)", [self.pid]).fetchone()
        assert row is not None
        return list(row[0])

    def close(self) -> None:
        if self._running is not None and not self._running.done():
            self.connection.cancel()
        self._thread.shutdown()
        self.connection.close()

    def _execute(self, statement: str, parameters: Sequence[object]) -> Rows:
        cursor = self.connection.execute(statement, parameters or None)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []

    @property
    def is_running(self) -> bool:
        return self._running is not None and not self._running.done()


def assert_blocked(session: Session, *, by: Session) -> None:
    """Assert that the running statement comes to wait for session `by`."""
    deadline = time.monotonic() + WAIT_SECONDS
    while session.is_running and time.monotonic() < deadline:
        if by.pid in session.blockers():
            return
        time.sleep(_POLL_SECONDS)
    raise AssertionError(f"{session.name} did not wait for {by.name}")


def assert_not_blocked(session: Session) -> Rows:
    """Assert that the running statement ends without a wait for any session; return its rows."""
    deadline = time.monotonic() + WAIT_SECONDS
    while session.is_running and time.monotonic() < deadline:
        blockers = session.blockers()
        if blockers:
            # It may have got what it waited for since: what counts is that it waited.
            raise AssertionError(f"{session.name} waits for sessions {blockers}")
        time.sleep(_POLL_SECONDS)
    return session.finish()


class Stage:
    """A database with a world in it, the sessions that act on it, and the checks between steps."""

    def __init__(self, connect: Callable[..., Connection[Any]]) -> None:
        self._connect = connect
        self._sessions: list[Session] = []
        self.observer = connect()
        self.world = World(self.observer)
        self.checker = connect()

    def session(self, name: str) -> Session:
        """Open a session; it is closed with the stage."""
        session = Session(name, self._connect(), self.observer)
        self._sessions.append(session)
        return session

    def check(self) -> None:
        """Assert G1 and G2 for what is committed now."""
        with oracle.snapshot(self.checker) as connection:
            oracle.assert_promises(connection)

    def drain(self) -> None:
        """Drain what is due now, and check before and after."""
        self.check()
        oracle.drain(self.observer)
        self.check()

    def rest(self) -> None:
        """Drain until nothing is dirty, and assert that everything is right.

        Only for when no transaction is open: changes of structure wait for all of them.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            self.drain()
            if not self.observer.execute("select from progress.dirty").fetchall():
                break
            assert time.monotonic() < deadline, "something stays dirty"
        with oracle.snapshot(self.checker) as connection:
            oracle.assert_same(connection)
        assert not self.observer.execute("select from progress.failure").fetchall()

    def hold(self, relation: str) -> Session:
        """Let nobody write a relation until the session returned ends its transaction.

        Readers pass: a drain stops in the middle, where it first writes this relation.
        """
        holder = self.session("holder")
        holder.begin()
        holder.run(f"lock table {relation} in share mode")
        return holder

    def is_dirty(self, version: UUID) -> bool:
        dirty = "select from progress.dirty where version_id = %s"
        return bool(self.observer.execute(dirty, [version]).fetchall())

    def close(self) -> None:
        for session in self._sessions:
            try:
                session.close()
            except psycopg.Error:
                continue
