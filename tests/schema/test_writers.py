"""G4 for rights: who may write content needs no right on anything of ours to do so."""

from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from oracle.checks import assert_right
from support.builders import World
from support.oracle import drain

WRITER = "bp_test_writer"
CONTENT = ("verse_texts", "media_files", "media_files_verses", "audio_versions", "text_versions")


@pytest.fixture
def writer(conn: Connection[Any]) -> tuple[World, UUID, UUID]:
    """A session of an ordinary role that row security lets write everything but `Secret`."""
    world = World(conn)
    world.canon()
    text, audio = world.text_version(), world.audio_version()
    world.text(text, ["gen-1-1"])
    conn.execute("delete from progress.unsettled_change")
    drain(conn)
    conn.execute(f"create role {WRITER} nosuperuser nobypassrls")
    for table in CONTENT:
        conn.execute(f"grant select, insert, update, delete on {table} to {WRITER}")
        conn.execute(f"alter table {table} enable row level security")
        visible = "name <> 'Secret'" if table.endswith("_versions") else "true"
        conn.execute(
            f"create policy theirs on {table} to {WRITER} using ({visible}) with check ({visible})"
        )
    # Not even select on the canon: foreign keys are checked for the owner.
    conn.execute(f"grant select on language_entities to {WRITER}")
    conn.execute(f"set local role {WRITER}")
    return world, text, audio


def signals(world: World) -> set[tuple[str, UUID, str | None]]:
    """Return what is queued, and go on as the writer."""
    world.connection.execute("reset role")
    rows = world.connection.execute(
        "select kind, version_id, chapter_id from progress_refresh_queue"
    ).fetchall()
    assert_right(world.connection)
    world.connection.execute(f"set local role {WRITER}")
    return {(kind, version, chapter) for kind, version, chapter in rows}


def test_a_writer_without_any_right_of_ours_signals_its_texts(
    writer: tuple[World, UUID, UUID],
) -> None:
    world, text, _ = writer
    run = world.connection.execute
    world.text(text, ["gen-1-2", "gen-2-1"])
    assert signals(world) == {("text", text, "gen-1"), ("text", text, "gen-2")}
    run("update verse_texts set verse_text = '' where verse_id = 'gen-2-1'")
    assert signals(world) == {("text", text, "gen-2")}
    run("delete from verse_texts where verse_id = 'gen-1-2'")
    assert signals(world) == {("text", text, "gen-1")}


def test_a_writer_without_any_right_of_ours_signals_its_recordings(
    writer: tuple[World, UUID, UUID],
) -> None:
    world, _, audio = writer
    run = world.connection.execute
    file = world.recording(audio, chapter="gen-1")
    assert signals(world) == {("audio", audio, "gen-1")}
    world.timings(file, ["exod-1-1"])
    assert signals(world) == {("audio", audio, "exod-1")}
    run("update media_files set start_verse_id = 'gen-2-1'")
    assert signals(world) == {("audio", audio, c) for c in ("gen-1", "gen-2", "exod-1")}
    run("update media_files_verses set verse_id = 'exod-2-1'")
    assert signals(world) == {("audio", audio, "exod-1"), ("audio", audio, "exod-2")}
    run("delete from media_files")
    assert signals(world) == {("audio", audio, "gen-2"), ("audio", audio, "exod-2")}


@pytest.mark.parametrize("kind", ["text", "audio"])
def test_a_writer_without_any_right_of_ours_signals_its_versions(
    writer: tuple[World, UUID, UUID], kind: str
) -> None:
    world, text, audio = writer
    run = world.connection.execute
    version = text if kind == "text" else audio
    run(f"update {kind}_versions set deleted_at = now()")  # type: ignore[arg-type]
    assert signals(world) == {(kind, version, None)}
    row = run(
        f"insert into {kind}_versions (language_entity_id, bible_version_id, name)"  # type: ignore[arg-type]
        " select id, 'eng', 'New' from language_entities limit 1 returning id"
    ).fetchone()
    assert row is not None
    assert signals(world) == {(kind, row[0], None)}
    run(f"delete from {kind}_versions where id = %s", [row[0]])  # type: ignore[arg-type]
    assert signals(world) == {(kind, row[0], None)}


def test_a_write_to_what_the_writer_cannot_see_changes_and_signals_nothing(
    writer: tuple[World, UUID, UUID],
) -> None:
    world, text, _ = writer
    run = world.connection.execute
    run("reset role")
    run("update text_versions set name = 'Secret' where id = %s", [text])
    run(f"set local role {WRITER}")
    run("update text_versions set deleted_at = now()")
    assert signals(world) == set()


def test_what_a_writer_puts_in_front_of_the_search_path_changes_nothing(
    writer: tuple[World, UUID, UUID],
) -> None:
    """Trigger functions run as their owner, so they must not pick up a writer's objects."""
    world, text, _ = writer
    run = world.connection.execute
    run("reset role")
    run(f"create schema evil authorization {WRITER}")
    run(f"set local role {WRITER}")
    run("create table evil.verses (id text, chapter_id text)")
    run("insert into evil.verses values ('gen-1-2', 'stolen')")
    run("create temp table progress_refresh_queue (like evil.verses)")
    run("create function evil.array_agg(anyelement) returns text[] language sql as 'select null'")
    run("set local search_path = evil, pg_temp, public, pg_catalog")
    world.text(text, ["gen-1-2"])
    run("set local search_path = public")
    run("drop table pg_temp.progress_refresh_queue")
    assert signals(world) == {("text", text, "gen-1")}
