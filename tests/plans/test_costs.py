"""What drains, exact reads, signals and the search for work may touch: what changed, no more."""

import pytest
from cost import Reads, reads
from library import BOOKS, CHAPTERS, VERSES, VERSIONS, Library

CONTENT = ("verse_texts", "media_files", "media_files_verses")
PER_VERSION = ("verse_texts", "media_files", "media_files_verses", "chapter_bitmap", "book_rollup")

# The planner reads the rows at the ends of an index, where another test wrote to their page.
PLANNING = 8

EDITS = {
    "text": "update verse_texts set verse_text = ''"
    " where text_version_id = '{v}' and verse_id = 'b7-3-4'",
    "audio": "update media_files set deleted_at = now()"
    " where audio_version_id = '{v}' and chapter_id = 'b7-5'",
}


def version(library: Library, kind: str) -> str:
    return str(library.text if kind == "text" else library.audio)


def edit(library: Library, kind: str) -> None:
    library.connection.execute(EDITS[kind].format(v=version(library, kind)))


def drain(library: Library, kind: str) -> Reads:
    # The first drain of a session looks up the catalogue only; the counters are of our tables.
    with reads(library.connection) as found:
        row = library.connection.execute(
            "select outcome, rows_changed from progress.drain_version(%s, %s)",
            [kind, version(library, kind)],
        ).fetchone()
    assert row is not None
    assert row[0] == "drained"
    assert row[1] > 0
    return found


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_a_drain_of_one_chapter_touches_that_chapter_and_its_version(
    library: Library, kind: str
) -> None:
    edit(library, kind)
    found = drain(library, kind)
    for table in (*PER_VERSION, "version_rollup", "version_history", "verses"):
        assert found.whole_scans[table] == 0, f"{table} is scanned"
    # The verses of the chapter, in a few joins of one query.
    assert found.rows["verses"] <= 8 * VERSES
    assert found.rows["verse_texts"] <= (2 * VERSES if kind == "text" else PLANNING)
    # The files of the chapter, and in each arm of the definition the ranges of the version, one
    # a book: any of them could reach into it.
    assert found.rows["media_files"] <= (4 * BOOKS if kind == "audio" else PLANNING)
    # The bitmaps and the books of its version.
    assert found.rows["chapter_bitmap"] <= BOOKS * CHAPTERS + 5
    assert found.rows["book_rollup"] <= BOOKS + 5
    assert found.rows["version_rollup"] <= 5


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_a_drain_of_one_chapter_writes_a_row_a_level(library: Library, kind: str) -> None:
    edit(library, kind)
    found = drain(library, kind)
    written = {table: rows for table, rows in found.written.items() if rows}
    assert written == {
        "progress_refresh_queue": 1,
        "chapter_bitmap": 1,
        "book_rollup": 1,
        "version_rollup": 1,
        "version_history": 1,
    }


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_a_drain_of_a_whole_version_reads_its_rows_a_few_times_and_no_others(
    library: Library, kind: str
) -> None:
    edit(library, kind)
    library.connection.execute("update progress_refresh_queue set chapter_id = null")
    found = drain(library, kind)
    texts = BOOKS * CHAPTERS * VERSES
    files = BOOKS * CHAPTERS
    # Whatever the plan: a few versions' worth, where there are twelve with content; and not all
    # bitmaps once a book, of which there are 24.
    assert VERSIONS == 12
    assert found.rows["verse_texts"] <= (2 * texts if kind == "text" else PLANNING)
    assert found.rows["media_files"] <= (8 * files if kind == "audio" else PLANNING)
    assert found.rows["chapter_bitmap"] <= 6 * files
    assert found.rows["book_rollup"] <= 6 * BOOKS


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_an_exact_summary_of_a_clean_version_reads_the_stored_one_only(
    library: Library, kind: str
) -> None:
    with reads(library.connection) as found:
        row = library.connection.execute(
            "select was_stored from progress.exact_version(%s, %s)",
            [kind, version(library, kind)],
        ).fetchone()
    assert row == (True,)
    read = {table: rows for table, rows in found.rows.items() if rows}
    # For signals and notes alike: where they begin.
    assert read.pop("queue_watermark", 0) <= 2 + PLANNING
    # One row of settings says whether this snapshot may trust what is stored.
    assert read == {"version_rollup": 1, "settings": 1}
    assert [found.whole_scans[table] for table in CONTENT] == [0, 0, 0]


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_an_exact_summary_of_a_dirty_chapter_recomputes_its_book_only(
    library: Library, kind: str
) -> None:
    edit(library, kind)
    with reads(library.connection) as found:
        row = library.connection.execute(
            "select was_stored from progress.exact_version(%s, %s)",
            [kind, version(library, kind)],
        ).fetchone()
    assert row == (False,)
    book = CHAPTERS * VERSES
    assert found.rows["verse_texts"] <= (2 * book if kind == "text" else PLANNING)
    assert found.rows["verses"] <= 8 * book
    assert found.rows["media_files"] <= (2 * BOOKS * CHAPTERS if kind == "audio" else PLANNING)
    assert found.rows["book_rollup"] <= BOOKS + 5


@pytest.mark.parametrize("function", ["exact_chapters", "exact_verses"])
@pytest.mark.parametrize("kind", ["audio", "text"])
def test_exact_reads_below_the_book_recompute_the_dirty_chapter_only(
    library: Library, kind: str, function: str
) -> None:
    edit(library, kind)
    with reads(library.connection) as found:
        library.connection.execute(
            f"select * from progress.{function}(%s, %s)", [kind, version(library, kind)]
        ).fetchall()
    assert found.rows["verse_texts"] <= (2 * VERSES if kind == "text" else PLANNING)
    assert found.rows["media_files"] <= (4 * BOOKS if kind == "audio" else PLANNING)
    assert [found.whole_scans[table] for table in CONTENT] == [0, 0, 0]


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_a_write_of_one_row_signals_without_reading_its_version(
    library: Library, kind: str
) -> None:
    with reads(library.connection) as found:
        edit(library, kind)
    written = {table: rows for table, rows in found.written.items() if rows}
    assert written.pop("progress_refresh_queue") == 1
    assert sum(written.values()) == 1
    assert sum(found.rows.values()) <= 40
    assert [found.whole_scans[table] for table in CONTENT] == [0, 0, 0]


BULK = {
    "text": "update verse_texts set verse_text = '' where verse_id <> 'b7-3-4'",
    "audio": "update media_files set deleted_at = now() where chapter_id <> 'b7-5'",
}


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_a_write_of_one_row_reads_no_more_behind_one_of_many(
    own_library: Library, kind: str
) -> None:
    """A session keeps the plans that its triggers made for the first statement."""
    own_library.connection.execute(BULK[kind])
    with reads(own_library.connection) as found:
        edit(own_library, kind)
    assert sum(found.rows.values()) <= 40
    assert [found.whole_scans[table] for table in (*CONTENT, "verses")] == [0, 0, 0, 0]


def test_the_search_for_work_reads_a_bounded_part_of_a_long_queue(library: Library) -> None:
    run = library.connection.execute
    run(
        "insert into progress_refresh_queue (kind, version_id, chapter_id)"
        " select 'text', t.id, c.id from text_versions t, chapters c"
    )
    run("analyze progress_refresh_queue")
    with reads(library.connection) as found:
        rows = run("select version_id from progress.due_versions(5)").fetchall()
    assert len(rows) >= 1
    assert found.whole_scans["progress_refresh_queue"] == 0
    assert 0 < found.rows["progress_refresh_queue"] <= 20 * 5 + 5


def test_an_idle_search_for_work_reads_where_it_begins_and_nothing_else(library: Library) -> None:
    with reads(library.connection) as found:
        rows = library.connection.execute("select * from progress.due_versions(50)").fetchall()
    assert rows == []
    read = {table: rows for table, rows in found.rows.items() if rows}
    assert read.pop("queue_watermark", 0) <= 2 + PLANNING
    assert read == {}
