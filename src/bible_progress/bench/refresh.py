"""P2, P7, P8: rollups against materialized views of the same rows, refreshed the textbook way.

Two databases hold the same world: one incremental, its copy moved to strategy `matview`. P2 is what
one changed verse costs each, P7 what each stores, P8 what each takes to fill from nothing.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from ..engine.drain import Drainer, signal_all
from ..installing import schema
from ..installing.schema import TRIGGERS
from ..models import Due
from ..rollout import moves as rollout
from ..rollout.moves import ROLLUPS
from .figures import Figure, Tick, seconds_of, spread
from .real_shapes import real_shapes
from .worlds import MIXED, QUERIES, WHOLE, Bench, Shapes, World, build_world, values

DRAIN_GOAL = 10_000.0
SIZE_GOAL = 1 / 15
BUILD_GOAL = 6.0
# The goals of P2 and P8 name this size; smaller worlds only inform.
GOAL_VERSIONS = 200
DRAINS = 50
BUILDS = 2
KINDS = ("audio", "text")


def measure(bench: Bench, tick: Tick) -> list[Figure]:
    """Compare both forms of the same world."""
    count = bench.versions
    shapes: Shapes = real_shapes(bench.data, count, bench.seed) if bench.data else MIXED
    with ExitStack() as stack:
        name = stack.enter_context(bench.database("rollups"))
        with bench.connect(name) as connection:
            world = build_world(
                connection,
                text=count,
                audio=count,
                shapes=shapes,
                first=WHOLE,
                seed=bench.seed,
                tick=lambda share: tick(f"building {count:,} + {count:,} versions", 0.3 * share),
            )
        copy = stack.enter_context(bench.database("matviews", template=name))
        rollups = stack.enter_context(bench.connect(name))
        matviews = stack.enter_context(bench.connect(copy))
        tick("filling materialized views", 0.35)
        rollout.move(matviews, TRIGGERS)
        figures = [_sizes(rollups, matviews, count)]
        tick("one changed verse", 0.5)
        figures.append(_one_verse(rollups, matviews, world, count))
        tick("filling from nothing", 0.7)
        return figures + _builds(bench, name, rollups, matviews, count)


def _sizes(rollups: Connection[Any], matviews: Connection[Any], count: int) -> Figure:
    tables = [*ROLLUPS, "version_history"]
    ours = values(rollups, "size_of_tables", tables=tables)[0]
    theirs = values(matviews, "size_of_materialized_views")[0]
    return Figure(
        goal="P7",
        what=f"size of rollups / materialized views, {count:,} + {count:,} versions",
        value=ours / theirs,
        limit=SIZE_GOAL,
        details={
            "rollup_bytes": ours,
            "matview_bytes": theirs,
            "tables": {
                table: values(rollups, "size_of_tables", tables=[table])[0] for table in tables
            },
        },
    )


def _one_verse(
    rollups: Connection[Any], matviews: Connection[Any], world: World, count: int
) -> Figure:
    version = world.of("text")[0].id
    Drainer(rollups).warm_up()
    drains = [_drain_after_a_change(rollups, version) for _ in range(DRAINS)]
    refreshes = [_drain_after_a_change(matviews, version) for _ in range(2)]
    drain = statistics.median(drains)
    return Figure(
        goal="P2",
        what=f"REFRESH CONCURRENTLY / drain, {count:,} + {count:,} versions",
        value=statistics.median(refreshes) / drain,
        limit=DRAIN_GOAL,
        at_least=True,
        decides=count >= GOAL_VERSIONS,
        low=min(refreshes) / drain,
        high=max(refreshes) / drain,
        details={
            "refresh_seconds": [round(seconds, 3) for seconds in refreshes],
            "drain_ms": spread(drains),
            "note": "a refresh is one of the five levels of the changed kind only",
        },
    )


def _drain_after_a_change(connection: Connection[Any], version: UUID) -> float:
    connection.execute(QUERIES["flip_verse"], {"version": version, "place": "mark-1-1"})
    due = Due(kind="text", version_id=version, oldest_at=datetime.now(UTC))
    return seconds_of(lambda: Drainer(connection).drain(due))


def _builds(
    bench: Bench, name: str, rollups: Connection[Any], matviews: Connection[Any], count: int
) -> list[Figure]:
    def fill_matviews() -> None:
        for kind in KINDS:
            connection_parameters = {"kind": kind}
            matviews.execute(QUERIES["refresh_materialized_views"], connection_parameters)

    for view in schema.materialized_views(TRIGGERS):
        matviews.execute(SQL("refresh materialized view {} with no data").format(Identifier(*view)))
    from_nothing = seconds_of(fill_matviews)
    again = seconds_of(fill_matviews)
    times: dict[int, list[float]] = {}
    for workers in sorted({1, min(4, os.cpu_count() or 1)}) * BUILDS:
        rollups.execute(QUERIES["empty_rollups"])
        signal_all(rollups)
        times.setdefault(workers, []).append(seconds_of(_draining(bench, name, workers)))
    builds = {workers: statistics.median(seconds) for workers, seconds in times.items()}
    details = {
        "build_seconds": times,
        "first_fill_seconds": from_nothing,
        "refresh_concurrently_seconds": again,
    }
    what = f"{count:,} + {count:,} versions"
    figures = [
        Figure(
            goal="P8",
            what=f"full REFRESH CONCURRENTLY / first build, one worker, {what}",
            value=again / builds[1],
            limit=BUILD_GOAL,
            at_least=True,
            decides=count >= GOAL_VERSIONS,
            low=again / max(times[1]),
            high=again / min(times[1]),
            details=details,
        ),
        Figure(
            goal="P8",
            what=f"first fill of materialized views / first build, {what}",
            value=from_nothing / builds[1],
        ),
    ]
    figures += [
        Figure(goal="P8", what=f"first build, 1 / {many} workers", value=builds[1] / builds[many])
        for many in builds
        if many > 1
    ]
    return figures


def _draining(bench: Bench, name: str, workers: int) -> Callable[[], None]:
    def drain(number: int) -> None:
        with bench.connect(name) as connection:
            drainer = Drainer(connection)
            while due := drainer.due(20):
                # Beginning at different places, workers seldom meet.
                start = number * len(due) // workers
                for version in due[start:] + due[:start]:
                    drainer.drain(version)

    def run() -> None:
        with ThreadPoolExecutor(workers) as threads:
            list(threads.map(drain, range(workers)))

    return run
