"""P7: what the rollups weigh beside row-per-verse materialized views of the same contract.

Both are filled for the same world, a shape at a time and then all shapes mixed; the materialized
views have the columns of the contract, rows from the logical views, and the unique indexes that
REFRESH CONCURRENTLY and look-ups need. What that refresh takes after one changed verse, against
one drain, is told beside it.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, LiteralString

import world_sql as sql
from harness import Figure, Tick, main, seconds_of
from psycopg import Connection
from psycopg.sql import SQL, Identifier
from worlds import MIXED, SHAPES, WHOLE, Bench, Shape, build_world, values

GOAL = 1 / 15
VERSIONS = 20
QUICK_VERSIONS = 5
DRAINS = 50

LEVELS = ("verse_coverage", "chapter_coverage", "book_coverage", "version_progress_summary")
KEYS = {
    "verse_coverage": "verse_id",
    "chapter_coverage": "chapter_id",
    "book_coverage": "book_id",
    "version_progress_summary": None,
}
ROLLUPS = ("chapter_bitmap", "book_rollup", "version_rollup", "version_history")

ROLLUP_SIZE: LiteralString = """
select sum(pg_total_relation_size(format('progress.%%I', t.name)::regclass))::bigint
from unnest(%(tables)s::text[]) as t (name)
"""
MATVIEW_SIZE: LiteralString = """
select sum(pg_total_relation_size(c.oid))::bigint
from pg_catalog.pg_class as c
where c.relnamespace = 'bench'::regnamespace and c.relkind = 'm'
"""
FLIP_VERSE: LiteralString = """
update public.verse_texts
set verse_text = case when verse_text = '' then 'and the light' else '' end
where text_version_id = %(version)s and verse_id = 'mark-1-1'
"""


def measure(bench: Bench, tick: Tick) -> list[Figure]:
    """Build a world of each shape and one of all, and weigh both forms; quick: only that."""
    count = QUICK_VERSIONS if bench.quick else VERSIONS
    worlds: list[tuple[str, Sequence[Shape]]] = [("mixed", MIXED)]
    if not bench.quick:
        worlds = [(shape.name, [shape]) for shape in SHAPES] + worlds
    figures: list[Figure] = []
    for place, (name, shapes) in enumerate(worlds):
        with ExitStack() as stack:
            tick(f"weighing {name}", place / len(worlds))
            database = stack.enter_context(bench.database(f"p7_{place}"))
            connection = stack.enter_context(bench.connect(database))
            versions = 2 * count if name == "mixed" else count
            world = build_world(
                connection, text=versions, audio=versions, shapes=shapes, seed=bench.seed
            )
            _materialize(connection)
            # The goal is for a world as worlds are; a shape alone says where it comes from.
            goal = GOAL if name == "mixed" else None
            figures.append(_weigh(connection, name, versions, goal))
            if name == "mixed":
                version = next(v.id for v in world.of("text") if v.shape is WHOLE)
                figures.append(_refresh_against_drain(connection, version, versions))
    return figures


def _materialize(connection: Connection[Any]) -> None:
    for kind in ("audio", "text"):
        for level in LEVELS:
            name = f"{kind}_{level}"
            keys = [Identifier(f"{kind}_version_id")]
            if KEYS[level] is not None:
                keys.append(Identifier(KEYS[level]))
            connection.execute(
                SQL("create materialized view {} as select * from {}").format(
                    Identifier("bench", name), Identifier("public", name)
                )
            )
            connection.execute(
                SQL("create unique index on {} ({})").format(
                    Identifier("bench", name), SQL(", ").join(keys)
                )
            )


def _weigh(connection: Connection[Any], name: str, versions: int, goal: float | None) -> Figure:
    rollups = values(connection, ROLLUP_SIZE, tables=list(ROLLUPS))[0]
    matviews = values(connection, MATVIEW_SIZE)[0]
    return Figure(
        goal="P7",
        what=f"rollups / matviews, {versions} + {versions} versions, {name}",
        value=rollups / matviews,
        limit=goal,
        details={
            "rollup_bytes": rollups,
            "matview_bytes": matviews,
            "tables": {
                table: values(connection, ROLLUP_SIZE, tables=[table])[0] for table in ROLLUPS
            },
        },
    )


def _refresh_against_drain(connection: Connection[Any], version: object, versions: int) -> Figure:
    drains: list[float] = []
    for _ in range(DRAINS):
        connection.execute(FLIP_VERSE, {"version": version})
        parameters = {"kind": "text", "id": version}
        drains.append(seconds_of(lambda: connection.execute(sql.DRAIN, parameters)))  # noqa: B023

    # What one changed verse costs without rollups: every level of its kind, in order.
    def refresh() -> None:
        for level in LEVELS:
            connection.execute(
                SQL("refresh materialized view concurrently {}").format(
                    Identifier("bench", f"text_{level}")
                )
            )

    connection.execute(FLIP_VERSE, {"version": version})
    seconds = seconds_of(refresh)
    return Figure(
        goal="P2",
        what=f"REFRESH CONCURRENTLY of text / drain, {versions} + {versions} versions",
        value=seconds / statistics.median(drains),
        details={"refresh_seconds": seconds, "drain_ms": 1000 * statistics.median(drains)},
    )


if __name__ == "__main__":
    main("p7_size", measure)
