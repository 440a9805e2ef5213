"""Drain for as long as there is work or nobody says stop: several connections, one loop each."""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import Connection
from psycopg import errors as pg

from .. import sql
from ..db import affordable, connect
from ..errors import BibleProgressError, ConnectionFailed, SchemaMismatch, from_database
from ..models import Drained, Due
from ..reading import insights
from . import audit
from .drain import Drainer, require_primary, require_schema, signal_unsignalled
from .metrics import Metrics, Tally

log = logging.getLogger("bible_progress.worker")

# Fast while there is work, slow while there is none: each poll costs a fraction of a millisecond.
BUSY_SECONDS = 0.005
IDLE_SECONDS = 0.25
BATCH = 50
BEAT_SECONDS = 5.0
# So many versions that came or went past the triggers are queued in one beat.
UNSIGNALLED = 1000
RECONNECT_SECONDS = 5.0
# How long after a stop the worker begins to end, at most.
LOOK_SECONDS = 0.1
# A drain that outlives this after a stop is left to the server, which finishes and commits it.
STOP_SECONDS = 1.3
LEAVE_SECONDS = 0.3
# SQLSTATE of an error that came without one.
LOST = "08006"

_QUERIES = sql.queries("drain")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How a worker drains; times in seconds."""

    database_url: str
    concurrency: int = 2
    idle_seconds: float = IDLE_SECONDS
    audit_seconds: float = 30.0
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None


class Worker:
    """Drains through `concurrency` connections, or as many as the server has left, and audits
    through one more.

    `run` returns after `stop`, which any thread or signal handler may call. Lost connections are
    opened again with backoff, for as long as it takes. An upgrade of the database that this code
    cannot work with ends `run` with SchemaMismatch.
    """

    def __init__(self, settings: WorkerSettings, *, metrics: Metrics | None = None) -> None:
        self.settings = settings
        self.metrics = metrics or Metrics()
        self.worker_id: UUID = uuid4()
        self.concurrency = settings.concurrency
        self._stopping = threading.Event()
        self._failure: BibleProgressError | None = None
        self._warm = threading.Semaphore(0)
        self._tally = Tally()

    def stop(self) -> None:
        """Ask every loop to end after the drain it is in."""
        self._stopping.set()

    def wait_until_warm(self, seconds: float) -> bool:
        """Wait until every loop is connected and has its plans; False if that took longer."""
        until = time.monotonic() + seconds
        warm = 0
        # How many there are is not settled before the first is.
        while warm < self.concurrency:
            if not self._warm.acquire(timeout=max(0.0, until - time.monotonic())):
                return False
            warm += 1
        return True

    def run(self) -> None:
        """Drain until stopped.

        Raises ConnectionFailed if nothing answers at the start, DatabaseRefused if a standby does,
        SchemaMismatch as soon as the schema of the database and this code do not fit,
        BibleProgressError where one of its threads ends by itself.
        """
        # The first connection is tried aloud: a wrong URL is an error, not a thing to wait for.
        with connect(self.settings.database_url, application_name="bible-progress worker") as first:
            require_schema(first)
            require_primary(first)
            insights.status(first)
            # An audit and a beat have their own.
            [self.concurrency] = affordable(first, self.concurrency, also=2)
        metrics_thread = None
        if self.settings.metrics_port is not None:
            try:
                metrics_thread = self.metrics.serve(
                    self.settings.metrics_host, self.settings.metrics_port
                )
            except OSError as error:
                raise BibleProgressError(
                    f"cannot serve metrics on {self.settings.metrics_host}:"
                    f"{self.settings.metrics_port}: {error.strerror}",
                    hint="Choose another --metrics-port.",
                ) from error
        loops = [
            self._thread(
                f"drain-{number}",
                self._drain_loop(number),
                prepare=self._warm_up,
            )
            for number in range(self.concurrency)
        ]
        loops.append(
            self._thread(
                "audit",
                self._audit_step,
                every=self.settings.audit_seconds,
                begins_after=self.settings.audit_seconds,
            )
        )
        loops.append(self._thread("beat", self._beat, every=BEAT_SECONDS))
        log.info(
            "worker started",
            extra={
                "action": "start",
                "worker": str(self.worker_id),
                "concurrency": self.concurrency,
            },
        )
        for loop in loops:
            loop.start()
        # Waiting without an end would miss a signal that comes just as it begins, and holds for a
        # moment the lock that a signal handler needs to stop.
        while not self._stopping.is_set():
            time.sleep(LOOK_SECONDS)
            if metrics_thread is not None and not metrics_thread.is_alive():
                self._fail("metrics", None)
        until = time.monotonic() + STOP_SECONDS
        for loop in loops:
            loop.join(max(0.0, until - time.monotonic()))
        # Of use to `status` only, so it may not hold up the end.
        leaving = threading.Thread(target=self._leave, daemon=True)
        leaving.start()
        leaving.join(LEAVE_SECONDS)
        log.info("worker stopped", extra={"action": "stop", "drained": self._tally.drained})
        if self._failure is not None:
            raise self._failure

    def _thread(
        self,
        name: str,
        step: Callable[[Connection[Any]], float | None],
        *,
        every: float = 0.0,
        begins_after: float = 0.0,
        prepare: Callable[[Connection[Any]], None] | None = None,
    ) -> threading.Thread:
        """A loop with a connection of its own: `step` returns how long to wait, or `every`."""

        def loop() -> None:
            losses = 0
            # Without a connection: one that is idle for long the server may close.
            self._stopping.wait(begins_after)
            while not self._stopping.is_set():
                try:
                    with connect(
                        self.settings.database_url, application_name=f"bible-progress {name}"
                    ) as connection:
                        # Whatever went wrong may have been an upgrade.
                        require_schema(connection)
                        if prepare is not None:
                            prepare(connection)
                        while not self._stopping.is_set():
                            pause = step(connection)
                            losses = 0
                            self._stopping.wait(every if pause is None else pause)
                except Exception as error:
                    if self._stopping.is_set() or self._ended_by(error):
                        return
                    # By itself or behind the error for people that was made of it.
                    if isinstance(error.__cause__ or error, pg.IdleSessionTimeout):
                        continue
                    # Whatever it is: a loop that ended would leave its share of the work undone.
                    losses += 1
                    pause = _backoff(losses)
                    self._complain(name, error, pause)
                    self._stopping.wait(pause)

        def run() -> None:
            try:
                loop()
            except BaseException as error:
                self._fail(name, error)

        return threading.Thread(target=run, name=name, daemon=True)

    def _fail(self, name: str, error: BaseException | None) -> None:
        """End the worker, a thread of which ended by itself."""
        reason = f": {type(error).__name__}: {error}" if error is not None else ""
        self._failure = BibleProgressError(
            f"the {name} thread of the worker ended by itself{reason}",
            hint="The log has the details; start it again.",
        )
        log.error("worker cannot go on", exc_info=error, extra={"action": "ended", "loop": name})
        self.stop()

    def _ended_by(self, error: Exception) -> bool:
        """Whether code and schema do not fit any more; then every loop ends."""
        found = from_database(error) if isinstance(error, psycopg.Error) else error
        if not isinstance(found, SchemaMismatch):
            return False
        self._failure = found
        log.error("worker cannot go on", extra={"action": "mismatch", "error": str(found)})
        self.stop()
        return True

    def _leave(self) -> None:
        with (
            suppress(psycopg.Error, BibleProgressError),
            connect(self.settings.database_url) as last,
        ):
            last.execute(_QUERIES["leave"], {"worker_id": self.worker_id})

    def _warm_up(self, connection: Connection[Any]) -> None:
        Drainer(connection).warm_up()
        self._warm.release()

    def _complain(self, name: str, error: Exception, pause: float) -> None:
        lost = isinstance(error, psycopg.OperationalError | ConnectionFailed)
        if lost:
            self.metrics.reconnected()
        log.warning(
            "connection lost, trying again" if lost else "loop failed, trying again",
            extra={
                "action": "reconnect",
                "loop": name,
                "error": " ".join(str(error).split()),
                "pause_seconds": round(pause, 3),
            },
        )

    def _drain_loop(self, number: int) -> Callable[[Connection[Any]], float]:
        pause = self.settings.idle_seconds
        # Drains that ended in an error of their own, as where the connection went or the failure
        # could not be recorded. One is the server's matter, two of the same version are its own,
        # and without a record other loops and workers would go on meeting it.
        strikes: Counter[UUID] = Counter()
        rests_until: dict[UUID, float] = {}
        unrecorded: list[tuple[Due, str]] = []

        def strike(version: Due, error: str) -> None:
            id_ = version.version_id
            strikes[id_] += 1
            rests_until[id_] = time.monotonic() + _backoff(strikes[id_])
            if strikes[id_] > 1:
                unrecorded.append((version, error))

        def step(connection: Connection[Any]) -> float:
            nonlocal pause
            drainer = Drainer(connection)
            while unrecorded:
                version, error = unrecorded.pop()
                with suppress(psycopg.DatabaseError):
                    drainer.record_failure(version, error)
            due = drainer.due(BATCH)
            # Every loop sees the same list: beginning at different places they seldom meet.
            start = number * len(due) // self.concurrency
            worked = False
            # Those that struck come last, so that whatever they do has no one behind it.
            for version in sorted(due[start:] + due[:start], key=lambda v: strikes[v.version_id]):
                if self._stopping.is_set():
                    break
                if rests_until.get(version.version_id, 0.0) > time.monotonic():
                    continue
                started = time.perf_counter()
                try:
                    result = drainer.drain(version)
                except psycopg.Error as error:
                    if connection.closed:
                        strike(version, f"{LOST}: the connection was lost while draining")
                        raise
                    if self._ended_by(error):
                        break
                    strike(version, f"{error.sqlstate or LOST}: {' '.join(str(error).split())}")
                    if isinstance(error, psycopg.ProgrammingError | pg.ReadOnlySqlTransaction):
                        # An upgrade may have taken away what is called, or the server has become a
                        # standby and another one the primary: connect and see.
                        raise
                    self._complain(f"drain-{number}", error, 0.0)
                    continue
                strikes.pop(version.version_id, None)
                rests_until.pop(version.version_id, None)
                self._note(version, result, time.perf_counter() - started)
                worked = worked or result.outcome not in ("locked", "waiting")
            pause = BUSY_SECONDS if worked else min(pause * 2, self.settings.idle_seconds)
            return pause

        return step

    def _note(self, version: Due, result: Drained, seconds: float) -> None:
        self.metrics.drained(version.kind, result, seconds)
        if result.outcome == "drained":
            self._tally.add()
        level = {"failed": logging.WARNING, "dead": logging.ERROR}.get(
            result.outcome, logging.DEBUG
        )
        log.log(
            level,
            "drain %s",
            result.outcome,
            extra={
                "action": "drain",
                "outcome": result.outcome,
                "kind": version.kind,
                "version": str(version.version_id),
                "signals": result.signals,
                "chapters": result.chapters,
                "rows_changed": result.rows_changed,
                "seconds": round(seconds, 6),
                "error": result.error,
            },
        )

    def _audit_step(self, connection: Connection[Any]) -> None:
        found = audit.audit(connection, sample=1, repair=True, totals=False)
        if found.checked:
            self.metrics.audited(drifted=bool(found.drifted))
        for version in found.drifted:
            log.error(
                "stored numbers were wrong, queued for refresh",
                extra={
                    "action": "audit",
                    "kind": version.kind,
                    "version": str(version.version_id),
                    "rows": len(version.rows),
                },
            )
        for trigger in found.broken_triggers:
            log.error("a trigger does not work", extra={"action": "audit", "trigger": trigger})

    def _beat(self, connection: Connection[Any]) -> None:
        status = insights.status(connection)
        self.metrics.observe(status, insights.hindrances(connection))
        if status.unsignalled_versions or status.unfilled_views:
            signals = signal_unsignalled(connection, UNSIGNALLED)
            if signals:
                log.warning(
                    "versions came or went past the triggers, or materialized views are not "
                    "filled: queued for refresh",
                    extra={
                        "action": "unsignalled",
                        "versions": status.unsignalled_versions,
                        "unfilled_views": status.unfilled_views,
                        "signals": signals,
                    },
                )
        connection.execute(
            _QUERIES["beat"],
            {
                "worker_id": self.worker_id,
                "description": f"{socket.gethostname()} pid {os.getpid()}",
                "drained": self._tally.drained,
                "last_drain_at": self._tally.last_drain_at,
            },
        )


def _backoff(times: int) -> float:
    """Return a random pause in seconds, longer the more often something failed."""
    return random.uniform(0, min(RECONNECT_SECONDS, 0.1 * 2**times))  # noqa: S311
