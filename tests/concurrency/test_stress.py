"""Everything at once: random writers, drainers, kills, and a checker that never stops looking.

BIBLE_PROGRESS_SEED repeats the work of a run (its timing it cannot repeat);
BIBLE_PROGRESS_STRESS_SECONDS makes it longer.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from random import Random
from threading import Condition, Event, Lock
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from support import oracle, traffic
from support.recount import assert_live_matches
from support.sessions import WAIT_SECONDS, Stage

SECONDS = float(os.environ.get("BIBLE_PROGRESS_STRESS_SECONDS", "10"))
WRITERS = 6
DRAINERS = 2

_OURS = (
    "progress_refresh_queue",
    "progress_refresh_dead_letter",
    "unsettled_change",
    "failure",
    "chapter_bitmap",
    "book_rollup",
    "version_rollup",
    "version_history",
)
# In the context of an error: where a statement waited, or which one was refused.
_AT_OURS = re.compile(rf'(relation "|insert into )(public\.|progress\.)?({"|".join(_OURS)})\b')
_WAITS = """
    select l.locktype, l.relation::regclass::text, b.application_name
    from pg_locks as l
    inner join pg_stat_activity as w on l.pid = w.pid and w.application_name = 'writer'
    left join lateral unnest(pg_blocking_pids(l.pid)) as blocker (pid) on true
    left join pg_stat_activity as b on blocker.pid = b.pid
    where not l.granted and l.locktype <> 'extend'
"""


class Gate:
    """Writers pass it for every transaction; closed, it lets those inside end and no new one in."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._inside = 0
        self._closed = False

    @contextmanager
    def passed(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._closed)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def closed(self) -> Iterator[None]:
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._inside)
        try:
            yield
        finally:
            with self._changed:
                self._closed = False
                self._changed.notify_all()


class Run:
    """One run: its threads share a clock, the counts and the first thing that went wrong."""

    def __init__(self, connect: Callable[[], Connection[Any]], seed: int) -> None:
        self.connect = connect
        self.seed = seed
        self.counts: Counter[str] = Counter()
        self.over = Event()
        self.gate = Gate()
        self._failures: list[str] = []
        self._journal: deque[str] = deque(maxlen=40)
        self._lock = Lock()

    def count(self, what: str, number: int = 1) -> None:
        with self._lock:
            self.counts[what] += number

    def note(self, line: str) -> None:
        with self._lock:
            self._journal.append(f"{time.monotonic():.4f} {line}")

    def fail(self, failure: str) -> None:
        with self._lock:
            self._failures.append(failure)
            self._failures += self._journal if len(self._failures) == 1 else []
        self.over.set()

    def random(self, who: str) -> Random:
        return Random(f"{self.seed} {who}")

    @contextmanager
    def connection(self, role: str) -> Iterator[Connection[Any]]:
        with closing(self.connect()) as connection:
            connection.prepare_threshold = 0
            connection.execute("select set_config('application_name', %s, false)", [role])
            yield connection

    def play(self, seconds: float) -> None:
        """Run all threads for a while; raise with everything that went wrong."""
        actors: list[tuple[Callable[[Run, str], None], str]] = [
            *((write, f"writer {n}") for n in range(WRITERS)),
            *((drain, f"drainer {n}") for n in range(DRAINERS)),
            (check, "checker"),
            (watch_locks, "watcher"),
            (kill, "killer"),
        ]
        with ThreadPoolExecutor(len(actors)) as threads:
            running = [threads.submit(self._guarded, actor, name) for actor, name in actors]
            self.over.wait(seconds)
            self.over.set()
        for thread in running:
            thread.result()
        assert not self._failures, f"seed {self.seed}: " + "\n".join(self._failures)

    def _guarded(self, actor: Callable[[Run, str], None], name: str) -> None:
        try:
            actor(self, name)
        except Exception as error:
            self.fail(f"{name}: {type(error).__name__}: {error}")


def was_killed(error: psycopg.Error) -> bool:
    return error.sqlstate == "57P01" or (
        error.sqlstate is None and isinstance(error, psycopg.OperationalError)
    )


def write(run: Run, name: str) -> None:
    random = run.random(name)
    while not run.over.is_set():
        with suppress_kill(run, "writer"), run.connection("writer") as connection:
            # A wait that ends by it says in its context which relation it was about.
            connection.execute("set lock_timeout = '300ms'")
            while not run.over.is_set():
                with run.gate.passed():
                    transact(run, name, connection, traffic.work(random), random)


def transact(
    run: Run, name: str, connection: Connection[Any], work: traffic.Work, random: Random
) -> None:
    try:
        for _ in work.run(connection):
            # Open for longer than a drain takes, so that drains come between.
            run.over.wait(random.choice((0, 0, 0.002, 0.02)))
            if work.reads_own_writes:
                wrong = oracle.inexact(connection)
                assert not wrong, f"own writes read wrong: {wrong}"
                run.count("own reads checked")
        connection.execute("commit" if work.commits else "rollback")
    except psycopg.Error as error:
        if was_killed(error):
            raise
        connection.execute("rollback")
        told = f"{error}\n{error.diag.context}\n{work}"
        assert traffic.is_refusal(error, work.isolation), f"a write failed: {told}"
        # What SERIALIZABLE refuses depends on all that was read, by our triggers too.
        if work.isolation != "serializable":
            assert not _AT_OURS.search(error.diag.context or ""), f"a write met us: {told}"
        run.count(f"refused {error.sqlstate}")
        return
    if work.commits:
        run.count("commits")
        run.note(f"{name}: {work}")
    else:
        run.count("aborts")


def drain(run: Run, name: str) -> None:
    random = run.random(name)
    while not run.over.is_set():
        with suppress_kill(run, "drainer"), run.connection("drainer") as connection:
            while not run.over.is_set():
                if random.random() < 0.1:
                    connection.execute("call progress.drain(5, 0.1)")
                due = connection.execute("select kind, version_id from progress.due_versions(5)")
                for kind, version in due.fetchall():
                    drain_one(run, connection, random, kind, version)
                if not due.rowcount:
                    run.over.wait(0.002)


def drain_one(
    run: Run, connection: Connection[Any], random: Random, kind: str, version: object
) -> None:
    connection.execute("begin")
    row = connection.execute(
        "select outcome, error from progress.drain_version(%s, %s)", [kind, version]
    ).fetchone()
    assert row is not None
    assert row[0] in {"drained", "clean", "locked"}, row
    if random.random() < 0.2:
        # A drain that is slow to commit, so that writers and the other drainer meet it.
        time.sleep(random.uniform(0, 0.02))
    aborts = random.random() < 0.05
    connection.execute("rollback" if aborts else "commit")
    run.count("drains aborted" if aborts else f"drains {row[0]}")


def check(run: Run, name: str) -> None:
    """Look at snapshots while all goes on, and now and then at the state in which it comes to rest.

    At rest often, because what is lost may be healed by the next change to the same version.
    """
    random = run.random(name)
    with run.connection(name) as connection:
        while not run.over.is_set():
            run.over.wait(random.uniform(0, 0.1))
            if random.random() < 0.5:
                look(run, connection, at_rest=False)
            with run.gate.closed():
                if drained(run, connection):
                    look(run, connection, at_rest=True)


def look(run: Run, connection: Connection[Any], *, at_rest: bool) -> None:
    connection.execute("begin isolation level repeatable read read only")
    wrong = oracle.differences(connection, clean_only=not at_rest)
    inexact = oracle.inexact(connection)
    if at_rest:
        assert_live_matches(connection)
    connection.execute("commit")
    assert not wrong, f"G{3 if at_rest else 1}, clean but wrong: {wrong}"
    assert not inexact, f"G2, inexact: {inexact}"
    run.count("rests" if at_rest else "snapshots")


def drained(run: Run, connection: Connection[Any]) -> bool:
    """Wait until nothing is dirty; false if the run ends before."""
    deadline = time.monotonic() + WAIT_SECONDS
    while dirty := connection.execute("select * from progress.dirty").fetchall():
        if run.over.wait(0.002):
            return False
        assert time.monotonic() < deadline, f"dirty for long while nobody writes: {dirty}"
    return True


def watch_locks(run: Run, name: str) -> None:
    """G4: no writer ever waits for a lock of ours, or for a drainer or a reader."""
    with run.connection(name) as connection:
        while not run.over.wait(0.01):
            for kind, relation, blocker in connection.execute(_WAITS).fetchall():
                run.count("waits of writers seen")
                assert kind != "advisory", "a writer waits for an advisory lock"
                assert relation is None or relation.rpartition(".")[2] not in _OURS, relation
                assert blocker in {"writer", "", None}, f"a writer waits for a {blocker}: {kind}"
            run.count("lock samples")


def kill(run: Run, name: str) -> None:
    random = run.random(name)
    with run.connection(name) as connection:
        while not run.over.wait(random.uniform(0.1, 0.7)):
            pids = connection.execute(
                "select pid from pg_stat_activity where datname = current_database()"
                " and application_name in ('writer', 'drainer') order by pid"
            ).fetchall()
            if pids:
                connection.execute("select pg_terminate_backend(%s)", [*random.choice(pids)])


@contextmanager
def suppress_kill(run: Run, role: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        if not was_killed(error):
            raise
        run.count(f"{role}s killed")


@pytest.mark.timeout(SECONDS + 120)
def test_random_traffic_breaks_no_promise(stage: Stage) -> None:
    seed = int(os.environ.get("BIBLE_PROGRESS_SEED") or secrets.randbelow(2**31))
    traffic.build(stage.world)
    stage.check()
    run = Run(stage.connect, seed)

    run.play(SECONDS)

    stage.rest()
    assert_live_matches(stage.observer)
    assert stage.execute("select count(*) from progress_refresh_dead_letter") == [(0,)]
    print(f"seed {seed}:", ", ".join(f"{n} {what}" for what, n in sorted(run.counts.items())))
    for needed in ("commits", "snapshots", "drains drained", "lock samples"):
        assert run.counts[needed], f"no {needed}: the run proves nothing"
