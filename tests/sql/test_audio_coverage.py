"""Recordings: which files count, and what a file covers by itself."""

from typing import Any
from uuid import UUID

import pytest
from scene import Scene

from oracle.checks import assert_right
from support.builders import World

GEN_1 = ["gen-1-1", "gen-1-2", "gen-1-3"]
GEN_2 = ["gen-2-1", "gen-2-2"]
EXOD_1 = ["exod-1-1", "exod-1-2", "exod-1-3", "exod-1-4"]
EXOD_2 = ["exod-2-1", "exod-2-2"]
VERSES = GEN_1 + GEN_2 + EXOD_1 + EXOD_2


@pytest.fixture
def recorded(world: World) -> UUID:
    """An audio version of `eng`, beside a canon `vul` with the same books."""
    world.canon("eng")
    world.canon("vul", prefix="v-")
    return world.audio_version()


def covered(world: World, version: UUID) -> list[str]:
    rows = world.connection.execute(
        "select verse_id from audio_verse_coverage where audio_version_id = %s", [version]
    ).fetchall()
    assert len(rows) == len(set(rows))
    return sorted((verse for (verse,) in rows), key=VERSES.index)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("upload", status) for status in ("pending", "uploading", "failed")),
        *(("publish", status) for status in ("pending", "archived")),
        *(("media_type", kind) for kind in ("video", "image")),
        ("is_bible_audio", False),
    ],
)
def test_a_file_with_any_other_status_or_type_covers_nothing(
    world: World, recorded: UUID, column: str, value: Any
) -> None:
    files = [
        world.recording(recorded, chapter="gen-1", **{column: value}),
        world.recording(recorded, start="gen-2-1", end="exod-1-1", **{column: value}),
    ]
    world.timings(files[0], ["exod-2-1"])
    assert covered(world, recorded) == []
    assert_right(world.connection)


@pytest.mark.parametrize("status", ["pending", "approved", "rejected", "requires_review"])
def test_the_check_status_does_not_matter(world: World, recorded: UUID, status: str) -> None:
    world.recording(recorded, chapter="gen-1")
    world.connection.execute("update media_files set check_status = %s", [status])
    assert covered(world, recorded) == GEN_1


def test_a_deleted_file_covers_nothing_and_counts_again_once_restored(
    world: World, recorded: UUID
) -> None:
    file = world.recording(recorded, chapter="gen-1")
    world.timings(file, ["exod-2-1"])
    world.connection.execute("update media_files set deleted_at = now()")
    assert covered(world, recorded) == []
    assert_right(world.connection)
    world.connection.execute("update media_files set deleted_at = null")
    assert covered(world, recorded) == [*GEN_1, "exod-2-1"]
    assert_right(world.connection)


def test_a_file_without_a_version_covers_nothing_anywhere(world: World, recorded: UUID) -> None:
    world.timings(world.recording(None, chapter="gen-1"), ["gen-2-1"])
    rows = world.connection.execute("select from audio_verse_coverage").fetchall()
    assert rows == []
    assert_right(world.connection)


def test_a_file_of_a_deleted_version_covers_nothing(world: World, recorded: UUID) -> None:
    world.recording(recorded, chapter="gen-1")
    world.connection.execute("update audio_versions set deleted_at = now()")
    assert covered(world, recorded) == []
    assert_right(world.connection)


# What a published file covers: (chapter, start verse, end verse) and the verses.
RANGES = {
    "nothing at all": (None, None, None, []),
    "a whole chapter": ("gen-2", None, None, GEN_2),
    "a single verse": (None, "gen-1-2", None, ["gen-1-2"]),
    "a range of one verse": (None, "gen-1-2", "gen-1-2", ["gen-1-2"]),
    "a range in a chapter": (None, "exod-1-2", "exod-1-3", ["exod-1-2", "exod-1-3"]),
    "a range of a whole chapter": (None, "gen-1-1", "gen-1-3", GEN_1),
    "a chapter with a start verse": ("gen-1", "gen-1-2", None, ["gen-1-2"]),
    "a chapter with a range": ("gen-1", "gen-1-2", "gen-1-3", ["gen-1-2", "gen-1-3"]),
    "a chapter with a range elsewhere": ("gen-1", "exod-1-1", "exod-1-2", EXOD_1[:2]),
    "across chapters": (None, "gen-1-3", "gen-2-1", ["gen-1-3", "gen-2-1"]),
    "across books": (None, "gen-2-2", "exod-1-2", ["gen-2-2", "exod-1-1", "exod-1-2"]),
    "across whole chapters": (
        None,
        "gen-1-3",
        "exod-2-1",
        ["gen-1-3", *GEN_2, *EXOD_1, "exod-2-1"],
    ),
    "the whole canon": (None, "gen-1-1", "exod-2-2", VERSES),
    "reversed in a chapter": (None, "gen-1-3", "gen-1-1", []),
    "reversed across chapters": (None, "gen-2-1", "gen-1-3", []),
    "reversed across chapters, verse number rising": (None, "gen-2-1", "gen-1-2", []),
    "reversed across books": (None, "exod-1-1", "gen-2-2", []),
    "a chapter of another canon": ("v-gen-1", None, None, []),
    "a verse of another canon": (None, "v-gen-1-1", None, []),
    "a range of another canon": (None, "v-gen-1-1", "v-gen-2-1", []),
    "from this canon into another": (None, "gen-1-1", "v-exod-2-2", []),
    "from another canon into this": (None, "v-gen-1-1", "exod-2-2", []),
    "this canon's chapter, a range of another": ("gen-1", "v-gen-1-1", "v-gen-1-2", []),
    "another canon's chapter, a range of this": ("v-gen-1", "gen-1-1", "gen-1-2", GEN_1[:2]),
}


@pytest.mark.parametrize("case", RANGES)
def test_a_file_covers_what_its_chapter_or_range_says(
    world: World, recorded: UUID, case: str
) -> None:
    chapter, start, end, expected = RANGES[case]
    world.recording(recorded, chapter=chapter, start=start, end=end)
    assert covered(world, recorded) == expected
    assert_right(world.connection)


@pytest.mark.parametrize("case", RANGES)
def test_its_timings_add_verses_whatever_else_the_file_covers(
    world: World, recorded: UUID, case: str
) -> None:
    chapter, start, end, expected = RANGES[case]
    file = world.recording(recorded, chapter=chapter, start=start, end=end)
    world.timings(file, ["exod-2-2", "gen-1-1", "v-gen-1-1"])
    assert covered(world, recorded) == sorted({*expected, "gen-1-1", "exod-2-2"}, key=VERSES.index)
    assert_right(world.connection)


def test_a_deleted_timing_adds_nothing_and_counts_again_once_restored(
    world: World, recorded: UUID
) -> None:
    world.timings(world.recording(recorded), ["gen-1-1", "gen-2-1"])
    run = world.connection.execute
    run("update media_files_verses set deleted_at = now() where verse_id = 'gen-1-1'")
    assert covered(world, recorded) == ["gen-2-1"]
    assert_right(world.connection)
    run("update media_files_verses set deleted_at = null")
    assert covered(world, recorded) == ["gen-1-1", "gen-2-1"]
    assert_right(world.connection)


def test_a_timing_without_a_length_counts(world: World, recorded: UUID) -> None:
    world.timings(world.recording(recorded), ["gen-1-1"])
    world.connection.execute(
        "update media_files_verses set start_time_seconds = 0, duration_seconds = 0"
    )
    assert covered(world, recorded) == ["gen-1-1"]


def test_overlapping_files_cover_a_verse_once(world: World, recorded: UUID) -> None:
    world.recording(recorded, chapter="gen-1")
    world.recording(recorded, chapter="gen-1")
    world.timings(world.recording(recorded, start="gen-1-1", end="exod-1-1"), GEN_1)
    assert covered(world, recorded) == [*GEN_1, *GEN_2, "exod-1-1"]
    assert_right(world.connection)


def test_ranges_run_by_number_columns_and_not_by_id(world: World) -> None:
    """The ids of this canon sort against their numbers, as those of real canons do."""
    run = world.connection.execute
    world.canon("eng", {"z": (2, 2), "a": (2, 2)})
    version = world.audio_version()
    run("update verses set verse_number = 3 - verse_number")
    run("update chapters set chapter_number = 3 - chapter_number")
    # Canon order is now z-2-2, z-2-1, z-1-2, z-1-1, a-2-2 ...
    world.recording(version, start="z-2-1", end="a-2-2")
    rows = run("select verse_id from audio_verse_coverage order by 1").fetchall()
    assert [verse for (verse,) in rows] == ["a-2-2", "z-1-1", "z-1-2", "z-2-1"]
    assert_right(world.connection)


def test_renumbering_moves_the_end_of_a_range(scene: Scene) -> None:
    """A verse that moves behind the end of a range leaves it, and one in front joins it."""
    world = scene.world
    world.recording(scene.audio_b, start="gen-1-1", end="gen-1-2")
    assert covered(world, scene.audio_b) == [*GEN_1[:2], *EXOD_2]
    scene.connection.execute("update verses set verse_number = 9 where id = 'gen-1-2'")
    assert covered(world, scene.audio_b) == [*GEN_1, *EXOD_2]
    assert_right(scene.connection)
