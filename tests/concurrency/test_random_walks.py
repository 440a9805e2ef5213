"""Random orders of random statements, stepped by one hand: what a run found, its seed repeats."""

from __future__ import annotations

import os
import secrets
import time
from random import Random

import psycopg
import pytest

from support import traffic
from support.recount import assert_live_matches
from support.sessions import Session, Stage

SECONDS = float(os.environ.get("BIBLE_PROGRESS_STRESS_SECONDS", "8"))
WRITERS = 4
STEPS = 16
# Few verses, files and versions, so that the writers meet.
SHARE = 0.1
# What makes two writers misjudge each other is drawn most often. COPY takes several steps.
_OFTEN = {"update verses set chapter_id": 6, "media_files": 1, "into verse_texts": 1}
WEIGHTS = {
    operation: weight * max((often for mark, often in _OFTEN.items() if mark in operation), default=0.1)
    for operation, weight in traffic.OPERATIONS.items()
    if operation != traffic.COPY
}


class Walk:
    """One walk: writers of which each has at most one transaction open, from rest to rest."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.random = Random(seed)
        self.writers = [stage.session(f"writer {n}") for n in range(WRITERS)]
        for writer in self.writers:
            writer.run("set deadlock_timeout = '20ms'")
        self.isolation: dict[Session, str] = {}
        self.told: list[str] = []

    def run(self) -> None:
        traffic.refill(self.stage.observer, self.random, 2, SHARE)
        self.stage.rest()
        for _ in range(STEPS):
            self.random.choices((self.write, self.end, self.drain), (10, 5, 4))[0]()
        while self.isolation:
            self.end()
            self._follow()
        self.stage.rest()
        assert_live_matches(self.stage.observer)

    def write(self) -> None:
        """Let one writer run one statement, in a new transaction if it has none."""
        writer = self._idle()
        if writer is None:
            return
        if writer not in self.isolation:
            isolation = self.random.choice(("read committed",) * 3 + ("repeatable read",))
            writer.begin(isolation)
            self.isolation[writer] = isolation
            self.told.append(f"{writer.name}: begin {isolation}")
            if self.random.random() < 0.3:
                return
        [operation] = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))
        values = traffic.draw(self.random, SHARE)
        self.told.append(f"{writer.name}: {traffic.spelled(operation, values)}")
        writer.start(operation, values)
        self._follow()

    def end(self) -> None:
        """Let one writer commit or roll back."""
        writer = self._idle(with_transaction=True)
        if writer is None:
            return
        how = self.random.choice(("commit", "commit", "commit", "rollback"))
        self.told.append(f"{writer.name}: {how}")
        writer.run(how)
        del self.isolation[writer]
        self._follow()
        if how == "commit":
            # Now, because the next change to the same version may heal what this one broke.
            self.stage.check()

    def drain(self) -> None:
        self.told.append("drain")
        self.stage.drain_once()

    def _idle(self, *, with_transaction: bool = False) -> Session | None:
        idle = [
            writer
            for writer in self.writers
            if not writer.is_started and (writer in self.isolation or not with_transaction)
        ]
        return self.random.choice(idle) if idle else None

    def _follow(self) -> None:
        """Go on when every statement has ended or waits for another writer."""
        for writer in [*self.writers, *self.writers]:
            if not writer.is_started or writer.waits_for():
                continue
            try:
                writer.finish()
            except psycopg.Error as error:
                assert traffic.is_refusal(error, self.isolation[writer]), error
                self.told.append(f"{writer.name}: refused: {error.sqlstate}")
                writer.rollback()
                del self.isolation[writer]


@pytest.mark.timeout(SECONDS + 120)
def test_no_order_of_random_statements_breaks_a_promise(stage: Stage) -> None:
    traffic.build(stage.world)
    stage.rest()
    until = time.monotonic() + SECONDS
    seed = int(os.environ.get("BIBLE_PROGRESS_SEED") or secrets.randbelow(2**31))
    walk, walks = Walk(stage, seed), 0
    while time.monotonic() < until:
        walk.told.append(f"-- walk {walks}")
        try:
            walk.run()
        except Exception as error:
            told = "\n".join(walk.told[-60:])
            raise AssertionError(f"seed {seed}, walk {walks}:\n{told}\n{error}") from error
        walks += 1
    print(f"seed {seed}: {walks} walks")
