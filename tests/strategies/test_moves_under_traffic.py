"""Steps forth and back while writers write, drains drain, and readers may never be wrong or fail.

BIBLE_PROGRESS_SEED repeats the work of a run; BIBLE_PROGRESS_STRESS_SECONDS makes it longer.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections import Counter
from random import Random

import psycopg
import pytest

from acceptance.installation import Installation
from bible_progress.installing.schema import STEPS
from bible_progress.rollout import moves as rollout
from support import oracle, traffic
from support.recount import assert_live_matches

SECONDS = float(os.environ.get("BIBLE_PROGRESS_STRESS_SECONDS", "12"))
SUMMARIES = (
    "select count(*) from progress.versions v"
    " cross join lateral progress.exact_version(v.kind, v.version_id) e"
    " join progress.live_versions l on l.kind = v.kind"
    " and l.version_id = v.version_id where l.covered_verses <> e.covered_verses"
)


@pytest.mark.timeout(SECONDS + 200)
def test_no_reader_meets_a_missing_relation_or_a_wrong_number(
    site: Installation, database: str
) -> None:
    seed = int(os.environ.get("BIBLE_PROGRESS_SEED") or secrets.randbelow(2**31))
    over = threading.Event()
    wrong: list[str] = []
    counts: Counter[str] = Counter()

    def act(name: str) -> None:
        random = Random(f"{seed} {name}")
        try:
            with psycopg.connect(database, autocommit=True) as connection:
                while not over.is_set():
                    ACTORS[name.split()[0]](connection, random)
                    counts[name.split()[0]] += 1
        except Exception as error:
            wrong.append(f"{name}: {type(error).__name__}: {error}")
            over.set()

    def write(connection: psycopg.Connection, random: Random) -> None:
        operation = random.choices(list(traffic.OPERATIONS), list(traffic.OPERATIONS.values()))[0]
        if operation == traffic.COPY:
            return
        try:
            connection.execute(operation.encode(), traffic.draw(random))
        except psycopg.Error as error:
            if not traffic.is_refusal(error, "read committed"):
                raise
        time.sleep(random.uniform(0, 0.02))

    def drain(connection: psycopg.Connection, random: Random) -> None:
        for kind, version in connection.execute(
            "select kind, version_id from progress.due_versions(9)"
        ):
            connection.execute("select progress.drain_version(%s, %s)", [kind, version])
        time.sleep(0.02)

    def read(connection: psycopg.Connection, random: Random) -> None:
        if random.random() < 0.5:
            assert connection.execute(SUMMARIES).fetchone() == (0,)
            return
        with oracle.snapshot(connection):
            time.sleep(random.uniform(0, 0.2))
            assert oracle.inexact(connection) == []
            assert_live_matches(connection)

    def move(connection: psycopg.Connection, random: Random) -> None:
        rollout.move(connection, random.choice(STEPS), lock_timeout_seconds=240)
        time.sleep(random.uniform(0, 0.3))

    ACTORS = {"writer": write, "drainer": drain, "reader": read, "mover": move}
    names = ["writer 1", "writer 2", "writer 3", "drainer 1", "reader 1", "reader 2", "mover 1"]
    threads = [threading.Thread(target=act, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    over.wait(SECONDS)
    # On a machine that is busy otherwise, until there was something to see.
    until = time.monotonic() + 240
    while (counts["mover"] <= 2 or counts["reader"] <= 5) and time.monotonic() < until:
        over.wait(1)
    over.set()
    for thread in threads:
        thread.join(300)
    assert not wrong, f"seed {seed}: {wrong}"
    assert counts["mover"] > 2
    assert counts["reader"] > 5
    if rollout.current(site.connection).number < 4:
        rollout.move(site.connection, 5)
    # Changes of structure settle in rounds, once nobody else writes.
    until = time.monotonic() + 240
    while site.rows("select from progress.dirty limit 1"):
        assert time.monotonic() < until, f"seed {seed}: something stays dirty"
        site.drain()
    with oracle.snapshot(site.connection) as connection:
        differences = oracle.differences(connection, clean_only=False)
        assert not differences, f"seed {seed}: {differences}"
        oracle.assert_same(connection)
