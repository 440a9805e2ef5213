"""progress.drift finds stored numbers that are wrong without a signal, at every level."""

from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection
from scene import Scene

from support.builders import World

BOOK = "book_rollup where version_id = %s and book_id = 'gen'"
VERSION = "version_rollup where version_id = %s"


def drift(
    connection: Connection[Any], kind: str, version: UUID, even_if_dirty: bool = False
) -> set[tuple[str, str]]:
    """Return (level, side) of the rows that differ."""
    rows = connection.execute(
        "select level, side from progress.drift(%s, %s, %s)", [kind, version, even_if_dirty]
    )
    return {(level, side) for level, side in rows.fetchall()}


@pytest.fixture(params=["text", "audio"])
def version(request: pytest.FixtureRequest, scene: Scene) -> tuple[str, UUID]:
    """A version of either kind with gen-1-1, gen-2-1 and exod-1-4, drained."""
    if request.param == "text":
        return "text", scene.text_a
    scene.world.timings(scene.world.recording(scene.audio_b), ["gen-1-1", "gen-2-1", "exod-1-4"])
    scene.connection.execute("delete from media_files where chapter_id = 'exod-2'")
    for audio in scene.audios:
        scene.connection.execute("select progress.drain_version('audio', %s)", [audio])
    return "audio", scene.audio_b


def plant(scene: Scene, change: str, version: UUID) -> None:
    table, where = change.split(" where ", 1) if " where " in change else (change, "")
    scene.connection.execute(
        f"update progress.{table} where {where}",  # type: ignore[arg-type]
        [version],
    )


def test_right_numbers_do_not_drift(scene: Scene, version: tuple[str, UUID]) -> None:
    assert drift(scene.connection, *version) == set()
    assert drift(scene.connection, *version, even_if_dirty=True) == set()


def test_a_wrong_bit_shows_in_the_verses(scene: Scene, version: tuple[str, UUID]) -> None:
    """Another verse, the same count: only the verse level can tell."""
    plant(
        scene,
        "chapter_bitmap set covered = b'010' where version_id = %s and chapter_id = 'gen-1'",
        version[1],
    )
    assert drift(scene.connection, *version) == {("verse", "stored"), ("verse", "live")}


def test_one_bit_more_shows_in_the_verses_and_the_chapters(
    scene: Scene, version: tuple[str, UUID]
) -> None:
    plant(
        scene,
        "chapter_bitmap set covered = b'110' where version_id = %s and chapter_id = 'gen-1'",
        version[1],
    )
    assert drift(scene.connection, *version) == {
        ("verse", "stored"),
        ("chapter", "stored"),
        ("chapter", "live"),
    }


def test_a_bitmap_that_is_too_long_shows_in_the_verses_and_the_chapters(
    scene: Scene, version: tuple[str, UUID]
) -> None:
    plant(
        scene,
        "chapter_bitmap set covered = b'1000' where version_id = %s and chapter_id = 'gen-1'",
        version[1],
    )
    assert drift(scene.connection, *version) == {
        ("verse", "live"),
        ("chapter", "stored"),
        ("chapter", "live"),
    }


def test_a_bitmap_that_is_missing_shows_in_the_verses_and_the_chapters(
    scene: Scene, version: tuple[str, UUID]
) -> None:
    scene.connection.execute(
        "delete from progress.chapter_bitmap where version_id = %s and chapter_id = 'gen-1'",
        [version[1]],
    )
    assert drift(scene.connection, *version) == {
        ("verse", "live"),
        ("chapter", "stored"),
        ("chapter", "live"),
    }


def test_a_book_that_is_missing_shows(scene: Scene, version: tuple[str, UUID]) -> None:
    scene.connection.execute(f"delete from progress.{BOOK}", [version[1]])
    assert drift(scene.connection, *version) == {("book", "live")}


def test_a_summary_that_is_missing_makes_the_version_dirty(
    scene: Scene, version: tuple[str, UUID]
) -> None:
    scene.connection.execute(f"delete from progress.{VERSION}", [version[1]])
    assert drift(scene.connection, *version) == set()
    assert drift(scene.connection, *version, even_if_dirty=True) == {("version", "live")}


# gen holds 2 of 5 verses in 2 of 2 chapters, none complete: every number can go up or down.
BOOK_NUMBERS = {
    "covered_verses": 3,
    "total_verses": 6,
    "chapters_with_any": 1,
    "complete_chapters": 1,
    "total_chapters": 3,
}
VERSION_NUMBERS = {
    "covered_verses": 4,
    "total_verses": 12,
    "chapters_with_any": 4,
    "complete_chapters": 1,
    "total_chapters": 5,
    "books_complete": 1,
    "total_books": 3,
}


@pytest.mark.parametrize("column", BOOK_NUMBERS)
def test_each_wrong_number_of_a_book_shows(
    scene: Scene, version: tuple[str, UUID], column: str
) -> None:
    """Also those that no contract relation shows: the summary is made of them."""
    table, where = BOOK.split(" where ")
    plant(scene, f"{table} set {column} = {BOOK_NUMBERS[column]} where {where}", version[1])
    assert drift(scene.connection, *version) != set()


@pytest.mark.parametrize("column", VERSION_NUMBERS)
def test_each_wrong_number_of_a_summary_shows(
    scene: Scene, version: tuple[str, UUID], column: str
) -> None:
    table, where = VERSION.split(" where ")
    plant(scene, f"{table} set {column} = {VERSION_NUMBERS[column]} where {where}", version[1])
    assert drift(scene.connection, *version) != set()


def test_rows_of_a_version_that_does_not_exist_drift(scene: Scene) -> None:
    """What a lost delete would leave behind."""
    ghost = World(scene.connection).text_version()
    scene.connection.execute("select progress.drain_version('text', %s)", [ghost])
    scene.connection.execute("delete from text_versions where id = %s", [ghost])
    scene.connection.execute("delete from progress_refresh_queue")
    assert drift(scene.connection, "text", ghost) == {("book", "stored"), ("version", "stored")}


@pytest.mark.parametrize("signal", ["progress_refresh_queue", "progress_refresh_dead_letter"])
def test_a_dirty_version_may_differ(scene: Scene, version: tuple[str, UUID], signal: str) -> None:
    plant(scene, "version_rollup set covered_verses = 0 where version_id = %s", version[1])
    more = {
        "progress_refresh_queue": ("", ""),
        "progress_refresh_dead_letter": (
            ", enqueued_at, attempts, last_error",
            ", now(), 1, 'why'",
        ),
    }[signal]
    scene.connection.execute(
        f"insert into {signal} (kind, version_id, chapter_id{more[0]})"  # type: ignore[arg-type]
        f" values (%s, %s, 'exod-2'{more[1]})",
        version,
    )
    assert drift(scene.connection, *version) == set()
    assert drift(scene.connection, *version, even_if_dirty=True) == {
        ("version", "stored"),
        ("version", "live"),
    }


def test_drift_names_the_row_on_either_side(scene: Scene) -> None:
    plant(scene, "version_rollup set covered_verses = 0 where version_id = %s", scene.text_a)
    rows = scene.connection.execute(
        "select side, (difference ->> 'covered_verses')::int from progress.drift('text', %s)"
        " order by side",
        [scene.text_a],
    ).fetchall()
    assert rows == [("live", 3), ("stored", 0)]
