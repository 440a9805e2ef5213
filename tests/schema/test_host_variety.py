"""Hosts unlike ours: other types, more columns, triggers of their own."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from bible_progress.importers.canon import load_canon, packaged_canon
from bible_progress.installing import install
from oracle.checks import assert_right
from support.builders import World
from support.oracle import drain

HOST = Path(__file__).with_name("host_with_enums.sql").read_text(encoding="utf-8")


@pytest.fixture(params=["text", "varchar(40)"])
def host(request: pytest.FixtureRequest, empty_connection: Connection[Any]) -> World:
    """A strange host with ids of either type, and Bible Progress installed."""
    empty_connection.execute(HOST.replace("ID_TYPE", request.param))
    install.install(empty_connection)
    world = World(empty_connection)
    world.canon()
    world.canon("vul", prefix="v-")
    return world


def covered(world: World, kind: str, version: UUID) -> list[str]:
    """Return the stored verses of a version after everything was found right."""
    assert_right(world.connection)
    rows = world.connection.execute(
        f"select verse_id from mv_{kind}_verse_coverage where {kind}_version_id = %s order by 1",  # type: ignore[arg-type]
        [version],
    )
    return [verse for (verse,) in rows.fetchall()]


def test_the_canon_that_ships_loads_into_a_strange_host(host: World) -> None:
    for changed in (True, False):
        report = load_canon(
            host.connection,
            packaged_canon(),
            bible_version_id="shipped",
            name="Shipped",
            id_prefix="s-",
        )
        assert (report.verses, report.changed) == (31_102, changed)


def test_texts_of_a_strange_host_count(host: World) -> None:
    run = host.connection.execute
    version = host.text_version()
    host.text(version, ["gen-1-1", "gen-1-2"])
    # A trigger of the host turns this into no text.
    host.text(version, ["gen-1-3"], "[none]")
    assert covered(host, "text", version) == ["gen-1-1", "gen-1-2"]
    # Another one turns this into a soft delete.
    run("delete from verse_texts where verse_id = 'gen-1-1'")
    assert run("select count(*) from verse_texts").fetchone() == (3,)
    assert covered(host, "text", version) == ["gen-1-2"]
    # The deleted row may be there a second time.
    host.text(version, ["gen-1-1"])
    assert covered(host, "text", version) == ["gen-1-1", "gen-1-2"]
    assert run("select changes from text_versions").fetchone() == (3,)


def test_recordings_of_a_strange_host_count(host: World) -> None:
    run = host.connection.execute
    version = host.audio_version()
    file = host.recording(version, start="gen-1-3", end="exod-1-1")
    host.timings(file, ["exod-2-1"])
    host.recording(version, chapter="exod-2", upload="pending")
    assert covered(host, "audio", version) == [
        "exod-1-1",
        "exod-2-1",
        "gen-1-3",
        "gen-2-1",
        "gen-2-2",
    ]
    run("update media_files set is_bible_audio = null where id = %s", [file])
    assert covered(host, "audio", version) == []
    run("update media_files set is_bible_audio = true where id = %s", [file])
    # Foreign keys of this host set null: the range ends where it starts.
    run("delete from verses where id = 'exod-1-1'")
    assert covered(host, "audio", version) == ["exod-2-1", "gen-1-3"]
    run("delete from verses where id = 'gen-1-3'")
    assert covered(host, "audio", version) == ["exod-2-1"]


def test_what_a_trigger_of_the_host_changes_elsewhere_is_signalled(host: World) -> None:
    run = host.connection.execute
    one, two = host.audio_version(), host.audio_version()
    rejected = host.recording(one, chapter="gen-1")
    host.recording(two, chapter="gen-1")
    assert covered(host, "audio", two) == ["gen-1-1", "gen-1-2", "gen-1-3"]
    run("update media_files set check_status = 'rejected' where id = %s", [rejected])
    assert covered(host, "audio", two) == []
    assert covered(host, "audio", one) == ["gen-1-1", "gen-1-2", "gen-1-3"]


def test_canon_changes_of_a_strange_host_are_signalled(host: World) -> None:
    run = host.connection.execute
    text, audio = host.text_version(), host.audio_version()
    host.text(text, ["gen-1-1", "exod-2-2"])
    host.recording(audio, start="gen-1-2", end="exod-1-1")
    drain(host.connection)
    run("update books set book_number = 3 - book_number where bible_version_id = 'eng'")
    assert covered(host, "audio", audio) == []
    run("update chapters set book_id = 'exod', chapter_number = 9 where id = 'gen-1'")
    assert covered(host, "text", text) == ["exod-2-2", "gen-1-1"]
    run("update verses set chapter_id = 'v-gen-1', verse_number = 9 where id = 'gen-1-1'")
    assert covered(host, "text", text) == ["exod-2-2"]


def test_exact_reads_of_a_strange_host_work_where_dirty_and_where_clean(host: World) -> None:
    version = host.text_version()
    host.text(version, ["gen-1-1"])
    drain(host.connection)
    host.connection.execute("delete from progress.unsettled_change")
    for step in ("clean", "one chapter", "whole"):
        if step == "one chapter":
            host.text(version, ["gen-1-2"])
        if step == "whole":
            host.connection.execute("update text_versions set bible_version_id = 'vul'")
        for function in ("exact_verses", "exact_chapters", "exact_books", "exact_version"):
            rows = host.connection.execute(
                f"select * from progress.{function}('text', %s)",  # type: ignore[arg-type]
                [version],
            ).fetchall()
            assert rows or (step, function) == ("whole", "exact_verses"), (step, function)


def test_a_host_made_of_our_own_tables_passes_its_own_check(
    host_connection: Connection[Any],
) -> None:
    assert install.make_plan(host_connection).advised_indexes == ()
