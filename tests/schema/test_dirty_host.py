"""A host that has lived: install takes it as it is, and every number is right all the same."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from catalog import assert_same_catalog, catalog
from hypothesis import strategies as st
from hypothesis.stateful import rule
from psycopg import Connection

from bible_progress.installing import install, uninstall
from oracle.checks import assert_promises, assert_right, forget_unsettled, quiet
from oracle.machine import Edits, search
from support import oracle

HOST = Path(__file__).with_name("dirty_host.sql").read_text(encoding="utf-8")


@pytest.fixture
def dirty(empty_connection: Connection[Any]) -> Connection[Any]:
    empty_connection.execute(HOST)
    return empty_connection


def test_it_is_installed_as_it_is_and_counted_right(dirty: Connection[Any]) -> None:
    install.install(dirty)
    assert_right(dirty)
    covered = dirty.execute(
        "select covered_verses, total_verses from mv_text_version_progress_summary"
        " where text_version_id = '00000000-0000-0000-0000-000000000001'"
    ).fetchone()
    # gen-1-1 and verse-twice; not what is deleted, blank, of another canon or of no book.
    assert covered == (2, 28)
    covered = dirty.execute(
        "select verse_id from mv_audio_verse_coverage"
        " where audio_version_id = '00000000-0000-0000-0000-00000000000b' order by 1"
    ).fetchall()
    assert [verse for (verse,) in covered] == [
        *("exod-1-1", "exod-1-2", "exod-1-3", "exod-2-2", "gen-1-1", "gen-1-2", "gen-1-3"),
        *("gen-2-1", "gen-2-2", "gen-2-3"),
        *("gen-twice-1-1", "gen-twice-1-2", "gen-twice-1-3"),
        *("gen-twice-2-1", "gen-twice-2-2", "gen-twice-2-3"),
        *("verse-twice", "wrong-chapter-1", "wrong-chapter-2", "wrong-chapter-3"),
    ]
    # Its canon has a book and no row of its own.
    lost = dirty.execute(
        "select covered_verses, total_verses from mv_text_version_progress_summary"
        " where text_version_id = '00000000-0000-0000-0000-0000000000e4'"
    ).fetchone()
    assert lost == (1, 6)


def test_uninstall_leaves_it_as_it_was(dirty: Connection[Any]) -> None:
    tables = ("media_files", "verse_texts", "text_versions", "media_files_verses")

    def rows() -> list[Any]:
        return [dirty.execute(f"select * from {t} order by id").fetchall() for t in tables]  # type: ignore[arg-type]

    before, content = catalog(dirty), rows()
    install.install(dirty)
    oracle.drain(dirty)
    uninstall.uninstall(dirty)
    assert_same_catalog(catalog(dirty), before)
    assert rows() == content


def test_a_published_table_without_a_replica_identity_is_signalled_where_it_can_be_written(
    dirty: Connection[Any],
) -> None:
    """PostgreSQL refuses its updates, before install as after; inserts work and count."""
    dirty.execute("alter table media_files_verses drop constraint media_files_verses_pkey")
    update = "update media_files_verses set verse_id = 'exod-2-1' where verse_id = 'exod-2-2'"
    for installed in (False, True):
        if installed:
            install.install(dirty)
            oracle.drain(dirty)
        with (
            pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="replica identity"),
            dirty.transaction(),
        ):
            dirty.execute(update)
    dirty.execute(
        "insert into media_files_verses (media_file_id, verse_id)"
        " values ('00000000-0000-0000-0002-000000000001', 'exod-2-1')"
    )
    assert_right(dirty)
    covered = dirty.execute("select from mv_audio_verse_coverage where verse_id = 'exod-2-1'")
    assert covered.rowcount == 1


# `AUDIO` begins in gen-2 and ends in exod-1, over chapters that neither of its verses is in.
AUDIO = "00000000-0000-0000-0002-000000000008"
WITHOUT_FOREIGN_KEYS = {
    "the first verse of a range goes and returns": [
        "delete from verses where id = 'gen-2-3'",
        "insert into verses (id, verse_number, chapter_id) values ('gen-2-3', 3, 'gen-2')",
    ],
    "the last verse of a range goes and returns": [
        "delete from verses where id = 'exod-1-1'",
        "insert into verses (id, verse_number, chapter_id) values ('exod-1-1', 1, 'exod-1')",
    ],
    "both go and return elsewhere": [
        "delete from verses where id in ('gen-2-3', 'exod-1-1')",
        "insert into verses (id, verse_number, chapter_id)"
        " values ('gen-2-3', 9, 'gen-1'), ('exod-1-1', 9, 'exod-2')",
    ],
    "a verse gets another id and its own again": [
        "update verses set id = 'else' where id = 'gen-2-3'",
        "update verses set id = 'gen-2-3' where id = 'else'",
    ],
    "a verse takes the id of another": [
        "delete from verses where id = 'gen-2-3'",
        "update verses set id = 'gen-2-3' where id = 'gen-1-1'",
    ],
    "a verse goes and is back in one statement": [
        "with gone as (delete from verses where id = 'gen-2-3' returning id)"
        " insert into verses (id, verse_number, chapter_id) select id, 9, 'gen-1' from gone",
    ],
    "a range names verses before they come": [
        f"update media_files set start_verse_id = 'one', end_verse_id = 'other' where id = '{AUDIO}'",
        "insert into verses (id, verse_number, chapter_id)"
        " values ('one', 8, 'gen-1'), ('other', 8, 'exod-2')",
    ],
    "a chapter in the middle goes and returns": [
        "delete from chapters where id = 'wrong-chapter'",
        "insert into chapters (id, chapter_number, book_id) values ('wrong-chapter', 3, 'gen')",
    ],
    "a chapter with an end of a range gets another id": [
        "update chapters set id = 'else' where id = 'gen-2'",
        "update verses set chapter_id = 'else' where chapter_id = 'gen-2'",
    ],
    "a book with an end of a range goes and returns in another canon": [
        "delete from books where id = 'exod'",
        "insert into books (id, name, book_number, bible_version_id)"
        " values ('exod', 'Exodus', 2, 'vul')",
        "update books set bible_version_id = 'eng' where id = 'exod'",
    ],
    "a book gets another id": [
        "update books set id = 'else' where id = 'gen'",
        "update chapters set book_id = 'else' where book_id = 'gen'",
    ],
    "a canon goes": ["delete from bible_versions where id = 'eng'"],
    "versions go and return": [
        "delete from audio_versions",
        "insert into audio_versions (id, name, bible_version_id)"
        " values ('00000000-0000-0000-0000-00000000000b', 'Back', 'eng')",
        "delete from text_versions",
        "insert into text_versions (id, name, bible_version_id)"
        " values ('00000000-0000-0000-0000-000000000001', 'Back', 'eng')",
    ],
    "versions get other ids": [
        "update audio_versions set id = gen_random_uuid()",
        "update text_versions set id = gen_random_uuid()",
    ],
    "a recording goes, its timings stay, and it returns": [
        "create temporary table kept as select * from media_files",
        "delete from media_files",
        "insert into media_files select * from kept",
    ],
    "a recording gets the id that timings name": [
        "update media_files_verses set media_file_id = '00000000-0000-0000-0002-00000000abcd'",
        f"update media_files set id = '00000000-0000-0000-0002-00000000abcd' where id = '{AUDIO}'",
    ],
    "a recording with timings comes before it is published": [
        "insert into media_files_verses (media_file_id, verse_id)"
        " values ('00000000-0000-0000-0002-00000000abcd', 'exod-2-2')",
        "insert into media_files (id, audio_version_id, chapter_id) values"
        " ('00000000-0000-0000-0002-00000000abcd', '00000000-0000-0000-0000-00000000000b', 'gen-1')",
        "update media_files set upload_status = 'completed', publish_status = 'published'"
        " where id = '00000000-0000-0000-0002-00000000abcd'",
    ],
    "a timing waits for its verse": [
        "update media_files_verses set verse_id = 'later' where verse_id = 'exod-2-2'",
        "insert into verses (id, verse_number, chapter_id) values ('later', 9, 'exod-2')",
        "delete from verses where id = 'later'",
    ],
    "a text waits for its verse": [
        "update verse_texts set verse_id = 'later' where id ="
        " '00000000-0000-0000-0001-000000000001'",
        "insert into verses (id, verse_number, chapter_id) values ('later', 9, 'exod-2')",
        "update verses set id = 'gone-again' where id = 'later'",
    ],
}


@pytest.mark.parametrize("edits_made", WITHOUT_FOREIGN_KEYS.values(), ids=WITHOUT_FOREIGN_KEYS)
@pytest.mark.parametrize("at_once", [False, True], ids=["drained between", "at once"])
def test_what_comes_and_goes_without_foreign_keys_is_signalled_wherever_it_counts(
    dirty: Connection[Any], edits_made: list[str], at_once: bool
) -> None:
    dirty.execute(
        "alter table media_files_verses drop constraint media_files_verses_media_file_id_fkey"
    )
    install.install(dirty)
    quiet(dirty)
    for statement in edits_made:
        dirty.execute(statement)  # type: ignore[arg-type]
        forget_unsettled(dirty)
        assert_promises(dirty)
        if not at_once:
            assert_right(dirty)
    assert_right(dirty)


class DirtyEdits(Edits):
    """Those of a dirty host beside the others."""

    @rule(files=st.sets(st.integers(1, 16), max_size=3), status=st.sampled_from(["done", "Done"]))
    def upload(self, files: set[int], status: str) -> None:
        """A trigger of the host decides what becomes of it."""
        self.connection.execute(
            "update media_files set upload_status = %s, start_verse_id = end_verse_id"
            " where id = any(%s::uuid[])",
            [status, [f"00000000-0000-0000-0002-{number:012x}" for number in files]],
        )

    @rule(number=st.integers(1, 16))
    def reject(self, number: int) -> None:
        """A trigger of the host changes other files."""
        self.connection.execute(
            "update media_files set check_status = 'rejected' where id = %s",
            [f"00000000-0000-0000-0002-{number:012x}"],
        )

    @rule(missing=st.sampled_from(["chapter", "book", "canon", "verse"]))
    def supply(self, missing: str) -> None:
        """What content has named all along comes to be."""
        self.connection.execute(
            {
                "chapter": "insert into chapters (id, chapter_number, book_id)"
                " values ('gone', 7, 'gen'), ('no-such-chapter', 8, 'gen') on conflict do nothing",
                "book": "insert into books (id, name, book_number, bible_version_id)"
                " values ('gone', 'Found', 7, 'eng') on conflict do nothing",
                "canon": "insert into bible_versions (id, name) values ('gone', 'Found')"
                " on conflict do nothing",
                "verse": "insert into verses (id, verse_number, chapter_id)"
                " values ('no-such-verse', 9, 'gen-1') on conflict do nothing",
            }[missing]
        )


def test_no_sequence_of_edits_and_drains_breaks_a_promise_there(dirty: Connection[Any]) -> None:
    install.install(dirty)
    oracle.drain(dirty)
    search(DirtyEdits, dirty, examples=10)
