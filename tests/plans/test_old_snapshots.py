"""Thousands of signals and notes came and went while a reader holds them: nobody passes over them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from cost import reads
from library import Library

# Where look-ups begin moves when a search for work has passed over so many.
PASSED = 100
DEAD = 6000
ROUNDS = 3
HELD = ("progress_refresh_queue", "unsettled_change", "deleted_media_file")

_COME = """
insert into progress_refresh_queue (kind, version_id, chapter_id)
select %(kind)s, %(version)s, 'chapter ' || n from generate_series(1, %(count)s) as n;
insert into progress.unsettled_change (bible_version_id, chapter_id)
select 'eng', 'chapter ' || n from generate_series(1, %(count)s) as n;
insert into progress.deleted_media_file (media_file_id, audio_version_id)
select gen_random_uuid(), %(version)s from generate_series(1, %(count)s) as n
"""
_GO = """
delete from progress_refresh_queue;
delete from progress.unsettled_change;
delete from progress.deleted_media_file
"""
EDITS = {
    "text": "update verse_texts set verse_text = case when verse_text = '' then 'Words.' else '' end"
    " where text_version_id = %s and verse_id = 'b7-3-4'",
    "audio": "update media_files set deleted_at = case when deleted_at is null then now() end"
    " where audio_version_id = %s and chapter_id = 'b7-5'",
}
SEARCH = "select version_id from progress.due_versions(50)"
SUMMARY = "select was_stored from progress.exact_version(%s, %s)"
DRAIN = "select outcome from progress.drain_version(%s, %s)"


@pytest.fixture
def old_reader(own_library: Library) -> Iterator[psycopg.Connection[Any]]:
    """A transaction with a snapshot from before all that comes."""
    with psycopg.connect(own_library.connection.info.dsn) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("select 1")
        yield reader


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_what_an_old_reader_holds_is_in_nobodys_way(
    own_library: Library, old_reader: psycopg.Connection[Any], kind: str
) -> None:
    connection = own_library.connection
    version = own_library.text if kind == "text" else own_library.audio

    def ask(statement: str, *parameters: object) -> tuple[list[Any], int]:
        """Return the rows, and how many entries of queue and notes were looked at for them."""
        with reads(connection) as found:
            rows = connection.execute(statement, parameters).fetchall()
        connection.commit()
        assert [found.whole_scans[table] for table in HELD] == [0, 0, 0]
        return rows, sum(found.entries[table] for table in HELD)

    for _ in range(ROUNDS):
        connection.execute(_COME, {"kind": kind, "version": version, "count": DEAD // ROUNDS})
        connection.commit()
        connection.execute(_GO)
        connection.commit()
        ask(SEARCH)

    # They are there: who does not know where to begin passes over all of them.
    connection.execute("set local enable_seqscan = off")
    rows, passed = ask(
        "select from progress_refresh_queue where kind = %s and version_id = %s", kind, version
    )
    assert rows == []
    assert passed >= DEAD

    for _ in range(3):
        clean = [ask(SEARCH), ask(SUMMARY, kind, version)]
        assert [rows for rows, _ in clean] == [[], [(True,)]]
        connection.execute(EDITS[kind], [version])
        connection.commit()
        dirty = [ask(SUMMARY, kind, version), ask(SEARCH), ask(DRAIN, kind, version)]
        assert [rows for rows, _ in dirty] == [[(False,)], [(version,)], [("drained",)]]
        assert max(passed for _, passed in clean + dirty) <= PASSED
    assert old_reader.execute("select count(*) from progress_refresh_queue").fetchone() == (0,)
