"""P1: what a drain after one changed verse costs, and whether it stays so among more versions.

The measured version is the same whole Bible in every world; its neighbours are portions that have
Mark, and what changes is in Mark: nothing of a drain may grow with what others have of the same
chapter. The yardstick is a one-row UPDATE commit over the same connection in the same loop.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

from ..engine.drain import Drainer
from ..formatting import counted
from ..models import Due
from .figures import Figure, Tick, compare, interleave, seconds_of, spread
from .worlds import PORTIONS, QUERIES, WHOLE, Bench, Version, build_world, values

COMMIT_GOAL = 3.0
GROWTH_GOAL = 1.3
BOOK = "mark"
# The goal names this size; smaller worlds only inform.
GOAL_VERSIONS = 1000
REPETITIONS = 600
QUICK_REPETITIONS = 120
FLIPS = {"text": "flip_verse", "audio": "flip_recording"}
PLACES = {"text": "verses_of_book", "audio": "chapters_of_book"}


def measure(bench: Bench, tick: Tick) -> list[Figure]:
    """Drain and commit in turns, in every world, for texts and for recordings."""
    sizes = sorted({n for n in (10, 100, bench.versions) if n <= bench.versions})
    if len(sizes) > 1 and bench.quick:
        sizes = [sizes[0], sizes[-1]]
    repetitions = QUICK_REPETITIONS if bench.quick else REPETITIONS
    with ExitStack() as stack:
        worlds: dict[int, tuple[Connection[Any], dict[str, Version]]] = {}
        for place, size in enumerate(sizes):
            database = stack.enter_context(bench.database(f"p1_{size}"))
            connection = stack.enter_context(bench.connect(database))

            def building(share: float, size: int = size, place: int = place) -> None:
                tick(f"building {counted(size, 'version')}", 0.5 * (place + share) / len(sizes))

            world = build_world(
                connection,
                text=size,
                audio=size,
                shapes=PORTIONS,
                first=WHOLE,
                seed=bench.seed,
                tick=building,
            )
            worlds[size] = connection, {kind: world.of(kind)[0] for kind in FLIPS}

        figures: list[Figure] = []
        for place, kind in enumerate(FLIPS):
            variants: dict[str, Callable[[int], float]] = {}
            for size, (connection, measured) in worlds.items():
                variants |= _variants(connection, measured[kind], size, bench.seed)

            def measuring(share: float, kind: str = kind, place: int = place) -> None:
                tick(f"draining {kind}", 0.5 + 0.25 * (place + share))

            times = interleave(variants, repetitions, measuring, warm_up=20)
            figures += _figures(kind, sizes, times)
        return figures


def _variants(
    connection: Connection[Any], version: Version, size: int, seed: int
) -> dict[str, Callable[[int], float]]:
    drainer = Drainer(connection)
    drainer.warm_up()
    places = values(connection, PLACES[version.kind], book=BOOK)
    chance = random.Random(seed)
    due = Due(kind=version.kind, version_id=version.id, oldest_at=datetime.now(UTC))

    def commit(_: int) -> float:
        return seconds_of(lambda: connection.execute(QUERIES["update_plain"], {"id": 1}))

    def drain(_: int) -> float:
        connection.execute(
            QUERIES[FLIPS[version.kind]], {"version": version.id, "place": chance.choice(places)}
        )
        began = time.perf_counter()
        drained = drainer.drain(due)
        seconds = time.perf_counter() - began
        assert (drained.outcome, drained.chapters) == ("drained", 1), drained
        return seconds

    return {f"commit {size}": commit, f"drain {size}": drain}


def _figures(kind: str, sizes: list[int], times: dict[str, list[float]]) -> list[Figure]:
    figures = [
        compare(
            "P1",
            f"{kind} drain / commit, {counted(size, 'version')}",
            times[f"drain {size}"],
            times[f"commit {size}"],
            limit=COMMIT_GOAL,
            details={
                "kind": kind,
                "versions": size,
                "drain_ms": spread(times[f"drain {size}"]),
                "commit_ms": spread(times[f"commit {size}"]),
            },
        )
        for size in sizes
    ]
    few, many = sizes[0], sizes[-1]
    if few == many:
        return figures
    return [
        *figures,
        compare(
            "P1",
            f"{kind} drain, {many:,} / {counted(few, 'version')}",
            times[f"drain {many}"],
            times[f"drain {few}"],
            limit=GROWTH_GOAL,
            decides=many >= GOAL_VERSIONS,
        ),
    ]
