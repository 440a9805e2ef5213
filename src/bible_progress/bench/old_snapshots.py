"""P9: what one forgotten reader makes of it, who keeps a million signals that came and went.

Two databases hold the same world; in one of them a REPEATABLE READ transaction is open since before
the signals came. Both are asked in turns what a worker and a page ask all day.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import Connection, IsolationLevel

from ..engine.drain import Drainer
from ..models import Due
from .figures import Figure, Tick, compare, interleave, seconds_of, spread
from .worlds import PORTIONS, QUERIES, WHOLE, Bench, build_world, values

GOAL = 2.0
SIGNALS = 1_000_000
# The goal names the size above; fewer only inform.
QUICK_SIGNALS = 50_000
AT_A_TIME = 10_000
VERSIONS = 20
BOOK = "mark"
REPETITIONS = 600
QUICK_REPETITIONS = 60


def measure(bench: Bench, tick: Tick) -> list[Figure]:
    """Poll, read and drain in turns, in the quiet database and in the other."""
    signals = QUICK_SIGNALS if bench.quick else SIGNALS
    with ExitStack() as stack:
        quiet = stack.enter_context(bench.database("p9_quiet"))
        with bench.connect(quiet) as connection:
            world = build_world(
                connection,
                text=VERSIONS,
                audio=0,
                shapes=PORTIONS,
                first=WHOLE,
                seed=bench.seed,
                tick=lambda share: tick(f"building {VERSIONS} versions", 0.2 * share),
            )
        held = stack.enter_context(bench.database("p9_held", template=quiet))
        connections = {
            name: stack.enter_context(bench.connect(database))
            for name, database in (("quiet", quiet), ("held", held))
        }
        reader = stack.enter_context(bench.connect(held))
        reader.autocommit = False
        reader.isolation_level = IsolationLevel.REPEATABLE_READ
        reader.execute(QUERIES["nothing"])
        versions = [version.id for version in world.versions]
        _come_and_go(
            connections["held"],
            versions,
            signals,
            lambda share: tick(f"{signals:,} signals come and go", 0.2 + 0.4 * share),
        )
        variants: dict[str, Callable[[int], float]] = {}
        for name, connection in connections.items():
            variants |= _variants(connection, name, versions[0], bench.seed)
        times = interleave(
            variants,
            QUICK_REPETITIONS if bench.quick else REPETITIONS,
            lambda share: tick("asking both", 0.6 + 0.4 * share),
            warm_up=20,
        )
        dead = values(connections["held"], "dead_signals")[0]
    return [
        compare(
            "P9",
            f"{what}, {signals:,} dead signals held / none",
            times[f"{what} held"],
            times[f"{what} quiet"],
            limit=GOAL,
            decides=signals >= SIGNALS,
            details={
                "dead_signals": dead,
                "held_ms": spread(times[f"{what} held"]),
                "quiet_ms": spread(times[f"{what} quiet"]),
            },
        )
        for what in ("poll", "exact read", "drain")
    ]


def _come_and_go(
    connection: Connection[Any],
    versions: list[UUID],
    signals: int,
    tick: Callable[[float], None],
) -> None:
    """Half spread over all versions, half of the first alone, with a worker's polls between."""
    drainer = Drainer(connection)
    for done in range(0, signals, AT_A_TIME):
        of = versions if done < signals / 2 else versions[:1]
        connection.execute(QUERIES["signal_many"], {"versions": of, "count": AT_A_TIME})
        connection.execute(QUERIES["clear_queue"])
        drainer.due(50)
        tick((done + AT_A_TIME) / signals)


def _variants(
    connection: Connection[Any], name: str, version: UUID, seed: int
) -> dict[str, Callable[[int], float]]:
    drainer = Drainer(connection)
    drainer.warm_up()
    places = values(connection, "verses_of_book", book=BOOK)
    chance = random.Random(seed)
    due = Due(kind="text", version_id=version, oldest_at=datetime.now(UTC))
    parameters = {"kind": "text", "id": version}

    def poll(_: int) -> float:
        return seconds_of(lambda: drainer.due(50))

    def read(_: int) -> float:
        return seconds_of(lambda: connection.execute(QUERIES["summary"], parameters).fetchall())

    def drain(_: int) -> float:
        connection.execute(
            QUERIES["flip_verse"], {"version": version, "place": chance.choice(places)}
        )
        began = time.perf_counter()
        drained = drainer.drain(due)
        seconds = time.perf_counter() - began
        assert (drained.outcome, drained.chapters) == ("drained", 1), drained
        return seconds

    return {f"poll {name}": poll, f"exact read {name}": read, f"drain {name}": drain}
