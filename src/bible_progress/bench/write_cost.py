"""P3: what watching costs a writer, for a whole Bible in one statement and for single rows.

Two databases hold the same world; in one of them our triggers are disabled. Every statement runs
in both, in turns, each as a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection

from .figures import Figure, Tick, compare, interleave, seconds_of, spread
from .worlds import CANON, QUERIES, WHOLE, Bench, build_world, values

BULK_GOAL = 1.10
BULK_REPETITIONS = 12
QUICK_BULK_REPETITIONS = 2
ROW_REPETITIONS = 1500
QUICK_ROW_REPETITIONS = 150
# A worker would have emptied the queue long ago; doing it seldom keeps it out of the way.
FORGET_EVERY = 50

# The life of a verse, in this order: the statement, and what it may cost.
ROWS = {
    "insert one verse": ("insert_verse", 1.25),
    "reword one verse": ("reword_verse", 1.25),
    "empty one verse": ("empty_verse", 1.40),
    "delete one verse": ("delete_verse", 1.40),
    "insert one recording": ("insert_file", 1.40),
}


def measure(bench: Bench, tick: Tick) -> list[Figure]:
    """Write into both databases in turns."""
    with ExitStack() as stack:
        watched = stack.enter_context(bench.database("p3"))
        with bench.connect(watched) as connection:
            tick("building", 0.0)
            world = build_world(connection, text=2, audio=1, first=WHOLE, seed=bench.seed)
        bare = stack.enter_context(bench.twin(watched))
        connections = {
            name: stack.enter_context(bench.connect(database))
            for name, database in (("watched", watched), ("bare", bare))
        }
        recording = world.of("audio")[0].id
        figures = [_bulk(bench, connections, lambda share: tick("whole Bible", 0.1 + 0.5 * share))]
        rows = _rows(bench, connections, recording, lambda share: tick("rows", 0.6 + 0.4 * share))
        return figures + rows


def _bulk(
    bench: Bench, connections: Mapping[str, Connection[Any]], tick: Callable[[float], None]
) -> Figure:
    def variant(connection: Connection[Any]) -> Callable[[int], float]:
        def insert(_: int) -> float:
            version = _add_version(connection)
            parameters = {"version": version}
            seconds = seconds_of(lambda: connection.execute(QUERIES["insert_bible"], parameters))
            connection.execute(QUERIES["clear_queue"])
            return seconds

        return insert

    times = interleave(
        {name: variant(connection) for name, connection in connections.items()},
        QUICK_BULK_REPETITIONS if bench.quick else BULK_REPETITIONS,
        tick,
        warm_up=1,
    )
    return _figure("insert 31,102 verses in one statement", BULK_GOAL, times)


def _rows(
    bench: Bench,
    connections: Mapping[str, Connection[Any]],
    recording: UUID,
    tick: Callable[[float], None],
) -> list[Figure]:
    times: dict[str, dict[str, list[float]]] = {
        what: {name: [] for name in connections} for what in ROWS
    }

    def variant(name: str, connection: Connection[Any]) -> Callable[[int], float]:
        version = _add_version(connection)
        verses = values(connection, "numbered_verses")

        def life_of_a_verse(repetition: int) -> float:
            parameters = {
                "version": version,
                "recording": recording,
                "verse": verses[repetition],
                "number": repetition,
            }
            total = 0.0
            for what, (statement, _) in ROWS.items():
                seconds = _timed(connection, statement, parameters)
                total += seconds
                if repetition >= 0:
                    times[what][name].append(seconds)
            if repetition % FORGET_EVERY == 0:
                connection.execute(QUERIES["clear_queue"])
            return total

        return life_of_a_verse

    interleave(
        {name: variant(name, connection) for name, connection in connections.items()},
        QUICK_ROW_REPETITIONS if bench.quick else ROW_REPETITIONS,
        tick,
        warm_up=20,
    )
    return [_figure(what, limit, times[what]) for what, (_, limit) in ROWS.items()]


def _figure(what: str, limit: float, times: Mapping[str, list[float]]) -> Figure:
    return compare(
        "P3",
        f"{what}, watched / bare",
        times["watched"],
        times["bare"],
        limit=limit,
        details={f"{name}_ms": spread(seconds) for name, seconds in times.items()},
    )


def _add_version(connection: Connection[Any]) -> UUID:
    """Add a version that nobody has to refresh."""
    version = uuid4()
    language = values(connection, "a_language")[0]
    connection.execute(
        QUERIES["add_text_version"],
        {"id": version, "language": language, "canon": CANON, "name": "written"},
    )
    connection.execute(QUERIES["clear_queue"])
    return version


def _timed(connection: Connection[Any], name: str, parameters: Mapping[str, object]) -> float:
    return seconds_of(lambda: connection.execute(QUERIES[name], parameters))
