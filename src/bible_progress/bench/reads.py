"""P6: exact reads of clean versions, against `select 1` over the same connection."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from random import Random

from .figures import Figure, Tick, compare, interleave, quantile, seconds_of, spread
from .real_shapes import real_shapes
from .worlds import MIXED, QUERIES, WHOLE, Bench, Shapes, build_world, values

NOTHING_GOAL = 2.0
TREE_GOAL_MS = 10.0
REPETITIONS = 1000
QUICK_REPETITIONS = 200


def measure(bench: Bench, tick: Tick) -> list[Figure]:
    """Read in turns: nothing, a summary, the best version of a language, the tree of a Bible."""
    count = bench.versions
    shapes: Shapes = real_shapes(bench.data, count, bench.seed) if bench.data else MIXED
    with ExitStack() as stack:
        connection = stack.enter_context(bench.connect(stack.enter_context(bench.database("p6"))))
        world = build_world(
            connection,
            text=count,
            audio=count,
            shapes=shapes,
            first=WHOLE,
            seed=bench.seed,
            tick=lambda share: tick(f"building {count:,} + {count:,} versions", 0.5 * share),
        )
        languages = values(connection, "languages")
        chance = Random(bench.seed)
        whole = {kind: world.of(kind)[0] for kind in ("text", "audio")}

        def asking(name: str, pick: Callable[[], dict[str, object]]) -> Callable[[int], float]:
            def ask(_: int) -> float:
                parameters = pick()
                return seconds_of(lambda: connection.execute(QUERIES[name], parameters).fetchall())

            return ask

        def any_version() -> dict[str, object]:
            version = chance.choice(world.versions)
            return {"kind": version.kind, "id": version.id}

        def any_language() -> dict[str, object]:
            return {"kind": chance.choice(("text", "audio")), "id": chance.choice(languages)}

        def tree(_: int) -> float:
            version = whole[chance.choice(("text", "audio"))]
            parameters = {"kind": version.kind, "id": version.id}
            return seconds_of(
                lambda: connection.execute(QUERIES["tree_document"], parameters).fetchall()
            )

        times = interleave(
            {
                "nothing": asking("nothing", dict),
                "summary": asking("summary", any_version),
                "best": asking("best_version", any_language),
                "tree": tree,
            },
            QUICK_REPETITIONS if bench.quick else REPETITIONS,
            lambda share: tick("reading", 0.5 + 0.5 * share),
            warm_up=20,
        )
    details = {f"{name}_ms": spread(seconds) for name, seconds in times.items()}
    return [
        compare(
            "P6",
            f"exact {what} / select 1, {count:,} + {count:,} versions",
            times[name],
            times["nothing"],
            limit=NOTHING_GOAL,
            details=details,
        )
        for name, what in (("summary", "summary"), ("best", "best version of a language"))
    ] + [
        Figure(
            goal="P6",
            what="exact tree of a whole Bible, 66 books, 1,189 chapters",
            value=1000 * quantile(times["tree"], 0.5),
            unit="ms",
            limit=TREE_GOAL_MS,
            low=1000 * quantile(times["tree"], 0.1),
            high=1000 * quantile(times["tree"], 0.9),
            details=details,
        )
    ]
