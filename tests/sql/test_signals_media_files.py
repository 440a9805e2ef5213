"""Which scopes each kind of statement on media_files queues."""

from typing import Any
from uuid import UUID

import pytest
from scene import Scene
from signals import Signal, assert_signals, queued, whole

Shape = tuple[str | None, str | None, str | None]

# (chapter, start verse, end verse) and the chapters that it touches; None is the whole version.
SHAPES: dict[str, tuple[Shape, set[str | None]]] = {
    "a chapter": (("gen-1", None, None), {"gen-1"}),
    "a verse": ((None, "gen-1-2", None), {"gen-1"}),
    "a range in a chapter": ((None, "exod-1-1", "exod-1-3"), {"exod-1"}),
    "a range in another chapter than named": (("gen-1", "exod-1-1", "exod-1-3"), {"exod-1"}),
    "a range across chapters": ((None, "gen-1-2", "gen-2-1"), {None}),
    "a range across books": ((None, "gen-1-2", "exod-1-1"), {None}),
}


def record(scene: Scene, shape: Shape, **more: Any) -> UUID:
    chapter, start, end = shape
    return scene.world.recording(scene.audio_a, chapter=chapter, start=start, end=end, **more)


def run(scene: Scene, statement: str, file: UUID | None = None) -> None:
    scene.connection.execute(
        statement,  # type: ignore[arg-type]
        {"file": file, "a": scene.audio_a, "b": scene.audio_b, "v": scene.audio_v},
    )


def clear(scene: Scene) -> None:
    scene.connection.execute("select progress.drain_version('audio', %s)", [scene.audio_a])
    assert queued(scene.connection) == set()


def of_a(scene: Scene, *chapters: str | None) -> set[Signal]:
    return {("audio", scene.audio_a, chapter) for chapter in chapters}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_file_queues_what_it_covers_when_it_comes_and_goes(scene: Scene, shape: str) -> None:
    columns, chapters = SHAPES[shape]
    file = record(scene, columns)
    assert_signals(scene.connection, of_a(scene, *chapters))
    for change in ("deleted_at = now()", "deleted_at = null", "publish_status = 'archived'"):
        run(scene, f"update media_files set {change} where id = %(file)s", file)
        assert_signals(scene.connection, of_a(scene, *chapters))
    run(scene, "update media_files set publish_status = 'published' where id = %(file)s", file)
    clear(scene)
    run(scene, "delete from media_files where id = %(file)s", file)
    assert_signals(scene.connection, of_a(scene, *chapters))


@pytest.mark.parametrize(
    "column", ["upload_status", "publish_status", "media_type", "is_bible_audio"]
)
def test_each_column_that_decides_whether_a_file_counts_queues_it(
    scene: Scene, column: str
) -> None:
    other = {"media_type": "'video'", "is_bible_audio": "false"}.get(column, "'pending'")
    counting = {
        "upload_status": "'completed'",
        "publish_status": "'published'",
        "media_type": "'audio'",
        "is_bible_audio": "true",
    }[column]
    file = record(scene, ("gen-1", None, None))
    clear(scene)
    for value in (other, counting):
        run(scene, f"update media_files set {column} = {value} where id = %(file)s", file)
        assert_signals(scene.connection, of_a(scene, "gen-1"))


NOT_COUNTED: dict[str, dict[str, Any]] = {
    "upload": {"upload": "pending"},
    "publish": {"publish": "archived"},
    "type": {"media_type": "video"},
    "other audio": {"is_bible_audio": False},
}


@pytest.mark.parametrize("why", NOT_COUNTED)
def test_a_file_that_does_not_count_may_come_and_change_unnoticed(scene: Scene, why: str) -> None:
    file = record(scene, ("gen-1", None, None), **NOT_COUNTED[why])
    for change in (
        "chapter_id = 'gen-2'",
        "chapter_id = null, start_verse_id = 'gen-1-1', end_verse_id = 'exod-1-1'",
        "audio_version_id = %(b)s",
        "deleted_at = now()",
        "deleted_at = null",
        "audio_version_id = null",
    ):
        run(scene, f"update media_files set {change} where id = %(file)s", file)
    assert queued(scene.connection) == set()


def test_a_file_without_a_version_queues_nothing(scene: Scene) -> None:
    file = scene.world.recording(None, chapter="gen-1")
    run(scene, "update media_files set chapter_id = 'gen-2' where id = %(file)s", file)
    run(scene, "delete from media_files where id = %(file)s", file)
    assert_signals(scene.connection, set())


IRRELEVANT = {
    "check status": "check_status = 'approved'",
    "length": "duration_seconds = 12.5",
    "file name": "original_filename = 'B01.mp3'",
    "author": "created_by = null",
    "language": "language_entity_id = (select id from language_entities limit 1)",
    "nothing": "audio_version_id = audio_version_id, chapter_id = chapter_id",
}


@pytest.mark.parametrize("change", IRRELEVANT)
def test_an_update_of_anything_else_queues_nothing(scene: Scene, change: str) -> None:
    scene.world.timings(record(scene, ("gen-1", None, None)), ["exod-1-1"])
    clear(scene)
    run(scene, f"update media_files set {IRRELEVANT[change]}")
    assert_signals(scene.connection, set())


MOVES: dict[str, tuple[Shape, str, set[str | None]]] = {
    "to another chapter": (("gen-1", None, None), "chapter_id = 'exod-1'", {"gen-1", "exod-1"}),
    "to a verse": (("gen-1", None, None), "start_verse_id = 'gen-2-1'", {"gen-1", "gen-2"}),
    "to a chapter": ((None, "gen-2-1", None), "start_verse_id = null, chapter_id = 'gen-1'", {
        "gen-1", "gen-2",
    }),
    "end in the chapter": ((None, "gen-1-1", "gen-1-2"), "end_verse_id = 'gen-1-3'", {"gen-1"}),
    "end beyond it": ((None, "gen-1-1", "gen-1-2"), "end_verse_id = 'gen-2-1'", {"gen-1", None}),
    "end back": ((None, "gen-1-1", "gen-2-1"), "end_verse_id = null", {"gen-1", None}),
    "out of its version": (("gen-1", None, None), "audio_version_id = null", {None}),
}  # fmt: skip


@pytest.mark.parametrize("move", MOVES)
def test_a_file_that_moves_queues_its_old_and_new_place(scene: Scene, move: str) -> None:
    before, change, chapters = MOVES[move]
    file = record(scene, before)
    clear(scene)
    run(scene, f"update media_files set {change} where id = %(file)s", file)
    assert_signals(scene.connection, of_a(scene, *chapters))


def test_a_file_that_moves_between_versions_queues_both_as_a_whole(scene: Scene) -> None:
    file = record(scene, ("gen-1", None, None))
    clear(scene)
    run(scene, "update media_files set audio_version_id = %(b)s where id = %(file)s", file)
    assert_signals(scene.connection, whole("audio", scene.audio_a, scene.audio_b))


def test_a_file_that_is_given_a_version_queues_it(scene: Scene) -> None:
    file = scene.world.recording(None, chapter="gen-1")
    run(scene, "update media_files set audio_version_id = %(a)s where id = %(file)s", file)
    assert_signals(scene.connection, whole("audio", scene.audio_a))


@pytest.mark.parametrize(
    "change",
    [
        "update media_files set publish_status = 'archived' where id = %(file)s",
        "update media_files set deleted_at = now() where id = %(file)s",
        "delete from media_files where id = %(file)s",
    ],
)
def test_a_file_takes_its_timings_in_other_chapters_along(scene: Scene, change: str) -> None:
    file = record(scene, ("gen-1", None, None))
    scene.world.timings(file, ["gen-2-1", "exod-1-1", "v-gen-1-1"])
    run(
        scene,
        "update media_files_verses set deleted_at = now()"
        " where media_file_id = %(file)s and verse_id = 'exod-1-1'",
        file,
    )
    clear(scene)
    run(scene, change, file)
    signals = queued(scene.connection)
    assert signals >= of_a(scene, "gen-1", "gen-2")
    assert of_a(scene, "exod-1").isdisjoint(signals)
    assert_signals(scene.connection, signals)


def test_merge_queues_what_each_of_its_arms_changed(scene: Scene) -> None:
    file = record(scene, ("gen-1", None, None))
    clear(scene)
    run(
        scene,
        "merge into media_files as f"
        " using (values (%(file)s::uuid, 'gen-2'), (gen_random_uuid(), 'exod-1'))"
        " as s (id, chapter) on f.id = s.id"
        " when matched then update set chapter_id = s.chapter"
        " when not matched then insert (id, audio_version_id, chapter_id, upload_status,"
        " publish_status) values (s.id, %(a)s, s.chapter, 'completed', 'published')",
        file,
    )
    assert_signals(scene.connection, of_a(scene, "gen-1", "gen-2", "exod-1"))


def test_an_upsert_queues_what_it_inserts_and_what_it_publishes(scene: Scene) -> None:
    file = record(scene, ("gen-1", None, None), publish="pending")
    run(
        scene,
        "insert into media_files (id, audio_version_id, chapter_id, upload_status, publish_status)"
        " values (%(file)s, %(a)s, 'gen-1', 'completed', 'published'),"
        " (gen_random_uuid(), %(b)s, 'gen-2', 'completed', 'published')"
        " on conflict (id) do update set publish_status = excluded.publish_status",
        file,
    )
    assert_signals(scene.connection, {*of_a(scene, "gen-1"), ("audio", scene.audio_b, "gen-2")})


def test_copy_queues_its_chapters(scene: Scene) -> None:
    with (
        scene.connection.cursor() as cursor,
        cursor.copy(
            "copy media_files (audio_version_id, chapter_id, upload_status, publish_status)"
            " from stdin"
        ) as copy,
    ):
        copy.write_row((scene.audio_a, "gen-1", "completed", "published"))
        copy.write_row((scene.audio_a, "gen-2", "pending", "published"))
        copy.write_row((scene.audio_b, "exod-1", "completed", "published"))
    assert_signals(scene.connection, {*of_a(scene, "gen-1"), ("audio", scene.audio_b, "exod-1")})


def test_a_writable_cte_queues_all_of_its_parts(scene: Scene) -> None:
    file = record(scene, ("gen-1", None, None))
    clear(scene)
    run(
        scene,
        "with gone as (delete from media_files where id = %(file)s returning *)"
        " insert into media_files (audio_version_id, chapter_id, upload_status, publish_status)"
        " select audio_version_id, 'gen-2', upload_status, publish_status from gone",
        file,
    )
    assert_signals(scene.connection, of_a(scene, "gen-1", "gen-2"))


@pytest.mark.parametrize(("chapters", "expected"), [(64, 64), (65, 1)])
def test_more_than_64_chapters_of_a_version_become_one_row(
    scene: Scene, chapters: int, expected: int
) -> None:
    scene.world.canon("big", {"ps": [1] * 66}, prefix="b-")
    version = scene.world.audio_version("big")
    run(scene, "delete from progress_refresh_queue")
    scene.connection.execute(
        "insert into media_files (audio_version_id, chapter_id, upload_status, publish_status)"
        " select %s, 'b-ps-' || n, 'completed', 'published' from generate_series(1, %s) as n",
        [version, chapters],
    )
    for change in ("deleted_at = now()", "deleted_at = null"):
        signals = queued(scene.connection)
        assert len(signals) == expected
        assert (("audio", version, None) in signals) is (expected == 1)
        run(scene, "delete from progress_refresh_queue")
        run(scene, f"update media_files set {change} where audio_version_id = '{version}'")
