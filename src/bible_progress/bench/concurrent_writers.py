"""P4: what watching costs eight writers of one version, alone and beside a worker that drains.

They flip random verses of one whole Bible as fast as they can, in a database whose host tables
are watched and in its twin where our triggers are disabled, in turns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from psycopg import Connection

from .figures import Figure, Tick, compare, interleave, spread
from .processes import throughput, worker
from .worlds import QUERIES, WHOLE, Bench, build_world

GOAL = 0.68
WRITERS = 8
# Many short rounds: a disturbance then falls into few of them.
ROUNDS = 12
QUICK_ROUNDS = 2
SECONDS = 2.0
QUICK_SECONDS = 1.0
VERSES = 31_102


def measure(bench: Bench, tick: Tick) -> list[Figure]:
    """Let the writers run in turns: bare, watched, watched beside a worker."""
    with ExitStack() as stack:
        watched = stack.enter_context(bench.database("p4"))
        with bench.connect(watched) as connection:
            tick("building", 0.0)
            world = build_world(connection, text=1, audio=0, first=WHOLE, seed=bench.seed)
        bare = stack.enter_context(bench.twin(watched))
        databases = {"bare": bare, "watched": watched, "with worker": watched}
        connections = {name: stack.enter_context(bench.connect(name)) for name in (bare, watched)}
        version = world.of("text")[0].id
        rates = interleave(
            {
                name: _variant(bench, name, database, connections[database], version)
                for name, database in databases.items()
            },
            QUICK_ROUNDS if bench.quick else ROUNDS,
            lambda share: tick("8 writers", 0.1 + 0.9 * share),
            warm_up=1,
        )
    return [
        _figure("8 writers, watched / bare", "watched", rates, GOAL),
        # The worker has work to do for its share of the processor: this only informs.
        _figure("8 writers and a worker / bare", "with worker", rates, None),
    ]


def _variant(
    bench: Bench, name: str, database: str, connection: Connection[Any], version: UUID
) -> Callable[[int], float]:
    seconds = QUICK_SECONDS if bench.quick else SECONDS
    url = bench.url(database)

    def write() -> float:
        return throughput(
            url,
            QUERIES["flip_random_verse"],
            version=version,
            clients=WRITERS,
            seconds=seconds,
            picks=VERSES,
        )

    def round_of_writes(_: int) -> float:
        if name == "with worker":
            with worker(url) as stop:
                rate = write()
                stop()
        else:
            rate = write()
        # Every round starts without signals and without dead rows.
        connection.execute(QUERIES["drain"], {"kind": "text", "id": version})
        connection.execute(QUERIES["tidy"])
        return rate

    return round_of_writes


def _figure(
    what: str, variant: str, rates: Mapping[str, list[float]], limit: float | None
) -> Figure:
    return compare(
        "P4",
        what,
        rates[variant],
        rates["bare"],
        limit=limit,
        at_least=True,
        details={f"{name}_per_second": spread(rates[name], 1.0) for name in ("bare", variant)},
    )
