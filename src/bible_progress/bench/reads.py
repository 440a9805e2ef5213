"""P6: exact reads of clean versions, against `select 1` over the same connection.

Beside them what the goals name in milliseconds: look-ups of what is stored, planned anew each time,
exact reads with one dirty chapter, and the live summary of a whole Bible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from random import Random

from .figures import Figure, Tick, compare, interleave, quantile, seconds_of, spread
from .real_shapes import real_shapes
from .worlds import MIXED, QUERIES, WHOLE, Bench, Shapes, build_world, values

NOTHING_GOAL = 2.0
TREE_GOAL_MS = 8.0
LOOK_UP_GOAL_MS = 1.0
DIRTY_GOAL_MS = 2.0
LIVE_GOAL_MS = 50.0
KINDS = ("text", "audio")
LOOK_UPS = {
    "text": (
        "look_up_best_text",
        "look_up_version_text",
        "look_up_book_text",
        "look_up_chapter_text",
        "look_up_verse_text",
    ),
    "audio": (
        "look_up_best_audio",
        "look_up_version_audio",
        "look_up_book_audio",
        "look_up_chapter_audio",
        "look_up_verse_audio",
    ),
}
LIVE = {"text": "live_summary_text", "audio": "live_summary_audio"}
DIRTIED = {"text": "flip_verse", "audio": "flip_recording"}
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
        whole = {kind: world.of(kind)[0] for kind in KINDS}

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

        def looking_up(name: str, kind: str) -> Callable[[int], float]:
            def look_up(_: int) -> float:
                parameters = {
                    "id": (chance.choice(languages) if "best" in name else whole[kind].id),
                    "book": "mark",
                    "chapter": "mark-3",
                    "verse": "mark-3-4",
                }
                return seconds_of(
                    lambda: connection.execute(QUERIES[name], parameters, prepare=False).fetchall()
                )

            return look_up

        def dirty(kind: str) -> Callable[[int], float]:
            place = {"text": "mark-3-4", "audio": "mark-3"}[kind]

            def read(_: int) -> float:
                with connection.transaction(force_rollback=True):
                    connection.execute(
                        QUERIES[DIRTIED[kind]], {"version": whole[kind].id, "place": place}
                    )
                    parameters = {"kind": kind, "id": whole[kind].id}
                    return seconds_of(
                        lambda: connection.execute(QUERIES["summary"], parameters).fetchall()
                    )

            return read

        def live(kind: str) -> Callable[[int], float]:
            statement, parameters = QUERIES[LIVE[kind]], {"id": whole[kind].id}
            return lambda _: seconds_of(
                lambda: connection.execute(statement, parameters, prepare=False).fetchall()
            )

        repetitions = QUICK_REPETITIONS if bench.quick else REPETITIONS
        look_ups = interleave(
            {name: looking_up(name, kind) for kind, names in LOOK_UPS.items() for name in names},
            repetitions // 10,
            warm_up=2,
        )
        slow = interleave(
            {
                **{f"exact {kind}": dirty(kind) for kind in KINDS},
                **{f"live {kind}": live(kind) for kind in KINDS},
            },
            repetitions // 10,
            warm_up=6,
        )
        times = interleave(
            {
                "nothing": asking("nothing", dict),
                "summary": asking("summary", any_version),
                "best": asking("best_version", any_language),
                "tree": tree,
            },
            repetitions,
            lambda share: tick("reading", 0.5 + 0.5 * share),
            warm_up=20,
        )
    details = {
        f"{name}_ms": spread(seconds) for name, seconds in {**times, **look_ups, **slow}.items()
    }

    def milliseconds(what: str, limit: float, seconds: Sequence[float]) -> Figure:
        return Figure(
            goal="P6",
            what=what,
            value=1000 * quantile(seconds, 0.5),
            unit="ms",
            limit=limit,
            low=1000 * quantile(seconds, 0.1),
            high=1000 * quantile(seconds, 0.9),
            details=details,
        )

    slowest = max(look_ups, key=lambda name: quantile(look_ups[name], 0.5))
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
        milliseconds(
            f"slowest stored look-up with planning, {slowest}", LOOK_UP_GOAL_MS, look_ups[slowest]
        ),
        *(
            milliseconds(
                f"exact summary with one dirty chapter, {kind}",
                DIRTY_GOAL_MS,
                slow[f"exact {kind}"],
            )
            for kind in KINDS
        ),
        *(
            milliseconds(
                f"live summary of a whole Bible, {kind}", LIVE_GOAL_MS, slow[f"live {kind}"]
            )
            for kind in KINDS
        ),
        milliseconds(
            "exact tree of a whole Bible, 66 books, 1,189 chapters", TREE_GOAL_MS, times["tree"]
        ),
    ]
