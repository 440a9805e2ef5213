"""P3: what watching costs a writer, for a whole Bible in one statement and for single rows.

Two databases hold the same world; in one of them our triggers are disabled. Every statement runs
in both, in turns, each as a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, LiteralString
from uuid import UUID, uuid4

import world_sql as sql
from harness import Figure, Tick, compare, interleave, main, seconds_of, spread
from psycopg import Connection
from worlds import CANON, WHOLE, Bench, build_world, values

BULK_GOAL = 1.10
ROW_GOAL = 1.35
BULK_REPETITIONS = 15
QUICK_BULK_REPETITIONS = 4
ROW_REPETITIONS = 2000
QUICK_ROW_REPETITIONS = 300
# A worker would have emptied the queue long ago; doing it seldom keeps it out of the way.
FORGET_EVERY = 50

INSERT_BIBLE: LiteralString = """
insert into public.verse_texts (text_version_id, verse_id, verse_text, publish_status)
select %(version)s, v.verse_id, bench.words(v.number), 'published'
from bench.verses as v
"""
INSERT_VERSE: LiteralString = """
insert into public.verse_texts (text_version_id, verse_id, verse_text, publish_status)
values (%(version)s, %(verse)s, 'and the light shineth in the darkness', 'published')
"""
FLIP_VERSE: LiteralString = """
update public.verse_texts
set verse_text = case when verse_text = '' then 'and the light' else '' end
where text_version_id = %(version)s and verse_id = %(verse)s
"""
REWORD_VERSE: LiteralString = """
update public.verse_texts set verse_text = 'and the light ' || %(number)s::text
where text_version_id = %(version)s and verse_id = %(verse)s
"""
DELETE_VERSE: LiteralString = """
delete from public.verse_texts where text_version_id = %(version)s and verse_id = %(verse)s
"""
INSERT_FILE: LiteralString = """
insert into public.media_files (audio_version_id, chapter_id, upload_status, publish_status)
select %(recording)s, v.chapter_id, 'completed', 'published'
from public.verses as v where v.id = %(verse)s
"""
# The life of a verse, in this order, with the goal of each statement.
ROWS: Mapping[str, tuple[LiteralString, float]] = {
    "insert one verse": (INSERT_VERSE, ROW_GOAL),
    "reword one verse": (REWORD_VERSE, ROW_GOAL),
    "empty one verse": (FLIP_VERSE, ROW_GOAL),
    "delete one verse": (DELETE_VERSE, ROW_GOAL),
    "insert one recording": (INSERT_FILE, ROW_GOAL),
}
CLEAR_QUEUE: LiteralString = "delete from public.progress_refresh_queue"
SILENT: LiteralString = "set session_replication_role = replica"
LOUD: LiteralString = "reset session_replication_role"


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
            seconds = seconds_of(lambda: connection.execute(INSERT_BIBLE, parameters))
            connection.execute(CLEAR_QUEUE)
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
        verses = values(connection, "select verse_id from bench.verses order by number")

        def life_of_a_verse(repetition: int) -> float:
            parameters = {
                "version": version,
                "recording": recording,
                "verse": verses[repetition],
                "number": repetition,
            }
            total = 0.0
            for what, (statement, _) in ROWS.items():
                seconds = seconds_of(lambda text=statement: connection.execute(text, parameters))
                total += seconds
                if repetition >= 0:
                    times[what][name].append(seconds)
            if repetition % FORGET_EVERY == 0:
                connection.execute(CLEAR_QUEUE)
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
    language = values(connection, "select id from public.language_entities limit 1")[0]
    connection.execute(SILENT)
    connection.execute(
        sql.ADD_VERSION["text"],
        {"id": version, "language": language, "canon": CANON, "name": "written"},
    )
    connection.execute(LOUD)
    return version


if __name__ == "__main__":
    main("p3_write_cost", measure)
