"""No key comes from a sequence, and rows from when some did keep what they say."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import Connection

from bible_progress import sql
from bible_progress.installing import schema

# What an installation of before may hold: table, columns, values.
ROWS = (
    ("public.progress_refresh_queue", "kind, version_id, chapter_id", "'text', {id}, 'gen-1'"),
    ("public.progress_refresh_queue", "kind, version_id", "'audio', {id}"),
    (
        "public.progress_refresh_dead_letter",
        "kind, version_id, enqueued_at, attempts, last_error",
        "'text', {id}, '2020-01-01', 8, 'broken'",
    ),
    ("progress.unsettled_change", "bible_version_id, chapter_id", "'eng', 'gen-1'"),
    ("progress.unsettled_change", "media_file_id, settles_at, rounds_left", "{id}, '77', 1"),
    ("progress.deleted_media_file", "media_file_id, audio_version_id", "{id}, {id}"),
    (
        "progress.measurement",
        "run_id, step, subject, name, samples",
        "{id}, 5, 'read', 'summary', 9",
    ),
    ("progress.override", "action, reason", "'refresh', 'had to'"),
)


def rows(connection: Connection[Any]) -> list[str]:
    return [
        f"{table}: {row}"
        for table in sorted({table for table, _, _ in ROWS})
        for (row,) in connection.execute(
            f"select (to_jsonb(t) - 'id')::text from {table} as t order by 1"  # type: ignore[arg-type]
        ).fetchall()
    ]


def test_no_key_of_ours_comes_from_a_sequence(conn: Connection[Any]) -> None:
    """A copy by logical replication leaves sequences behind: the next key would be there."""
    sequences = conn.execute(
        "select c.oid::regclass::text from pg_class as c where c.relkind = 'S'"
        " and c.relnamespace in ('public'::regnamespace, 'progress'::regnamespace)"
    ).fetchall()
    assert sequences == []


def test_rows_of_before_stay_what_they_were(empty_database: str) -> None:
    first, second, *_ = schema.migrations()
    with psycopg.connect(empty_database) as connection:
        connection.execute(sql.read(first))
        for table, columns, values in ROWS:
            statement = f"insert into {table} ({columns}) values ({values})"
            connection.execute(statement.format(id="gen_random_uuid()"))  # type: ignore[arg-type]
        before = rows(connection)
        assert len(before) == len(ROWS)
        connection.execute(sql.read(second))
        assert rows(connection) == before
