"""A host that has lived: install takes it as it is, and every number is right all the same."""

import os
from pathlib import Path
from typing import Any

import psycopg
import pytest
from catalog import assert_same_catalog, catalog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from psycopg import Connection

from bible_progress import install, uninstall
from oracle import edits
from oracle.checks import assert_promises, assert_right, forget_unsettled
from support import oracle

HOST = Path(__file__).with_name("dirty_host.sql").read_text(encoding="utf-8")
EXAMPLES = int(os.environ.get("BIBLE_PROGRESS_ORACLE_EXAMPLES", "10"))


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
        *("lying-chapter-1", "lying-chapter-2", "lying-chapter-3", "verse-twice"),
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


class Edits(RuleBasedStateMachine):
    """Random edits of a dirty host; one transaction an example, rolled back at its end."""

    connection: Any

    @initialize()
    def begin(self) -> None:
        self.connection.execute("savepoint example")

    @rule(
        change=edits.texts
        | edits.files
        | edits.timings
        | edits.versions
        | edits.canon
        | edits.parents
    )
    def edit(self, change: edits.Edit) -> None:
        statement, parameters = change
        self.connection.execute(statement, parameters)

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

    @rule()
    def drain(self) -> None:
        oracle.drain(self.connection)

    @invariant()
    def promises_hold(self) -> None:
        forget_unsettled(self.connection)
        assert_promises(self.connection)

    def teardown(self) -> None:
        try:
            assert_right(self.connection)
        finally:
            self.connection.execute("rollback to savepoint example")


def test_no_sequence_of_edits_and_drains_breaks_a_promise_there(dirty: Connection[Any]) -> None:
    install.install(dirty)
    oracle.drain(dirty)
    Edits.connection = dirty
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Edits,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=15,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
