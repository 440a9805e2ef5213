"""A host may publish all tables: PostgreSQL then refuses updates of tables without a key."""

from typing import Any

import psycopg
import pytest
from psycopg import Connection

from oracle.checks import assert_right
from support.builders import World


@pytest.fixture
def published(conn: Connection[Any]) -> Connection[Any]:
    conn.execute("create publication everything for all tables")
    return conn


def test_every_table_of_ours_accepts_updates_and_deletes(published: Connection[Any]) -> None:
    tables = published.execute(
        "select c.oid::regclass::text, (select quote_ident(attname) from pg_attribute"
        " where attrelid = c.oid and attnum > 0 and not attisdropped order by attnum limit 1)"
        " from pg_class c where c.relkind = 'r' and"
        " (c.relnamespace = 'progress'::regnamespace or c.relname like 'progress_refresh_%')"
    ).fetchall()
    assert len(tables) >= 12
    for table, column in tables:
        # Without a key the statement itself is refused, whether or not it finds a row.
        if column not in ("id", "only_row"):
            published.execute(f"update {table} set {column} = {column}")
        published.execute(f"delete from {table} where false")


def test_a_table_without_a_key_would_be_refused(published: Connection[Any]) -> None:
    """The test above can fail: this is what it looks for."""
    published.execute("create table progress.keyless (kind text)")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        published.execute("delete from progress.keyless where false")


def test_signals_drains_and_dead_letters_work_under_a_publication(
    published: Connection[Any],
) -> None:
    world = World(published)
    world.canon()
    text, audio = world.text_version(), world.audio_version()
    world.text(text, ["gen-1-1"])
    world.recording(audio, chapter="gen-1")
    assert_right(published)
    world.text(text, ["gen-1-2"])
    published.execute(
        "insert into progress_refresh_dead_letter"
        " (kind, version_id, chapter_id, enqueued_at, attempts, last_error)"
        " values ('text', %s, 'gen-2', now(), 8, 'why')",
        [text],
    )
    published.execute("select progress.retry_dead_letters(null)")
    published.execute("delete from media_files")
    published.execute("update text_versions set deleted_at = now()")
    assert_right(published)
