"""Which scopes each kind of statement on media_files_verses queues."""

from uuid import UUID

import pytest
from scene import Scene
from signals import Signal, assert_signals, queued

MOVED = "where media_file_id = %(file)s and verse_id = 'gen-2-1'"


@pytest.fixture
def file(scene: Scene) -> UUID:
    """A published file of gen-1 in audio A with timings there and in gen-2."""
    made = scene.world.recording(scene.audio_a, chapter="gen-1")
    scene.world.timings(made, ["gen-1-1", "gen-2-1"])
    drained(scene)
    return made


def drained(scene: Scene) -> None:
    for version in scene.audios:
        scene.connection.execute("select progress.drain_version('audio', %s)", [version])
    assert queued(scene.connection) == set()


def run(scene: Scene, statement: str, file: UUID) -> None:
    scene.connection.execute(statement, {"file": file})  # type: ignore[arg-type]


def of_a(scene: Scene, *chapters: str | None) -> set[Signal]:
    return {("audio", scene.audio_a, chapter) for chapter in chapters}


def test_an_insert_queues_the_chapters_of_its_verses(scene: Scene, file: UUID) -> None:
    scene.world.timings(file, ["gen-2-2", "exod-1-1", "exod-1-2"])
    assert_signals(scene.connection, of_a(scene, "gen-2", "exod-1"))


def test_an_insert_of_a_deleted_timing_queues_nothing(scene: Scene, file: UUID) -> None:
    run(
        scene,
        "insert into media_files_verses (media_file_id, verse_id, deleted_at)"
        " values (%(file)s, 'exod-1-1', now())",
        file,
    )
    assert_signals(scene.connection, set())


def test_timings_of_a_file_without_a_version_queue_nothing(scene: Scene) -> None:
    file = scene.world.recording(None, chapter="gen-1")
    scene.world.timings(file, ["gen-2-1"])
    run(scene, "delete from media_files_verses where media_file_id = %(file)s", file)
    assert_signals(scene.connection, set())


def test_timings_that_precede_the_publication_of_their_file_are_not_lost(scene: Scene) -> None:
    file = scene.world.recording(scene.audio_a, chapter="gen-1", publish="pending")
    scene.world.timings(file, ["gen-2-1", "exod-1-1"])
    drained(scene)
    run(scene, "update media_files set publish_status = 'published' where id = %(file)s", file)
    assert_signals(scene.connection, of_a(scene, "gen-1", "gen-2", "exod-1"))


IRRELEVANT = {
    "start": "start_time_seconds = start_time_seconds + 1",
    "length": "duration_seconds = 3.5",
    "author": "created_by = null",
    "id": "id = gen_random_uuid()",
    "nothing": "verse_id = verse_id, media_file_id = media_file_id",
}


@pytest.mark.parametrize("change", IRRELEVANT)
def test_an_update_of_anything_else_queues_nothing(scene: Scene, file: UUID, change: str) -> None:
    run(scene, f"update media_files_verses set {IRRELEVANT[change]}", file)
    assert_signals(scene.connection, set())


@pytest.mark.parametrize("change", ["deleted_at = now()", "verse_id = 'gen-2-2'"])
def test_an_update_of_what_counts_queues_its_chapter(scene: Scene, file: UUID, change: str) -> None:
    run(scene, f"update media_files_verses set {change} {MOVED}", file)
    assert_signals(scene.connection, of_a(scene, "gen-2"))


def test_a_restored_timing_queues_its_chapter(scene: Scene, file: UUID) -> None:
    run(scene, f"update media_files_verses set deleted_at = now() {MOVED}", file)
    drained(scene)
    run(scene, f"update media_files_verses set verse_id = 'exod-1-1' {MOVED}", file)
    assert queued(scene.connection) == set(), "a deleted timing moved"
    run(scene, "update media_files_verses set deleted_at = null", file)
    assert_signals(scene.connection, of_a(scene, "exod-1"))


def test_a_move_to_another_verse_queues_both_chapters(scene: Scene, file: UUID) -> None:
    run(scene, f"update media_files_verses set verse_id = 'exod-1-1' {MOVED}", file)
    assert_signals(scene.connection, of_a(scene, "gen-2", "exod-1"))


def test_a_move_to_a_file_of_another_version_queues_both_versions(scene: Scene, file: UUID) -> None:
    other = scene.world.recording(scene.audio_b)
    drained(scene)
    scene.connection.execute(
        "update media_files_verses set media_file_id = %s where verse_id = 'gen-2-1'", [other]
    )
    assert_signals(scene.connection, {*of_a(scene, "gen-2"), ("audio", scene.audio_b, "gen-2")})


def test_a_delete_queues_its_chapter(scene: Scene, file: UUID) -> None:
    run(scene, f"delete from media_files_verses {MOVED}", file)
    assert_signals(scene.connection, of_a(scene, "gen-2"))


def test_a_delete_of_a_deleted_timing_queues_nothing(scene: Scene, file: UUID) -> None:
    run(scene, f"update media_files_verses set deleted_at = now() {MOVED}", file)
    drained(scene)
    run(scene, f"delete from media_files_verses {MOVED}", file)
    assert_signals(scene.connection, set())


UPSERT = (
    "insert into media_files_verses (media_file_id, verse_id)"
    " values (%(file)s, 'gen-2-1'), (%(file)s, 'exod-1-1')"
    " on conflict (media_file_id, verse_id) "
)


@pytest.mark.parametrize(
    ("action", "chapters"),
    [
        ("do nothing", ["exod-1"]),
        ("do update set start_time_seconds = 7", ["exod-1"]),
        ("do update set deleted_at = now()", ["exod-1", "gen-2"]),
    ],
)
def test_an_upsert_queues_what_it_adds_or_takes(
    scene: Scene, file: UUID, action: str, chapters: list[str]
) -> None:
    run(scene, UPSERT + action, file)
    assert_signals(scene.connection, of_a(scene, *chapters))


def test_merge_queues_what_each_of_its_arms_changed(scene: Scene, file: UUID) -> None:
    run(
        scene,
        "merge into media_files_verses as t"
        " using (values ('gen-1-1'), ('gen-2-1'), ('exod-1-1')) as s (verse_id)"
        " on t.media_file_id = %(file)s and t.verse_id = s.verse_id"
        " when matched and s.verse_id = 'gen-1-1' then delete"
        " when matched then update set duration_seconds = 2"
        " when not matched then insert (media_file_id, verse_id) values (%(file)s, s.verse_id)",
        file,
    )
    assert_signals(scene.connection, of_a(scene, "gen-1", "exod-1"))


def test_copy_queues_its_chapters(scene: Scene, file: UUID) -> None:
    with (
        scene.connection.cursor() as cursor,
        cursor.copy("copy media_files_verses (media_file_id, verse_id) from stdin") as copy,
    ):
        copy.write_row((file, "exod-1-1"))
        copy.write_row((file, "exod-1-2"))
    assert_signals(scene.connection, of_a(scene, "exod-1"))


def test_a_writable_cte_that_moves_a_timing_queues_both_places(scene: Scene, file: UUID) -> None:
    run(
        scene,
        f"with gone as (delete from media_files_verses {MOVED} returning *)"
        " insert into media_files_verses (media_file_id, verse_id)"
        " select media_file_id, 'exod-2-1' from gone",
        file,
    )
    assert_signals(scene.connection, of_a(scene, "gen-2", "exod-2"))


def test_truncate_queues_every_recording_as_a_whole(scene: Scene, file: UUID) -> None:
    run(scene, "truncate media_files_verses", file)
    assert_signals(scene.connection, {("audio", version, None) for version in scene.audios})


def test_more_than_64_chapters_of_a_version_become_one_row(scene: Scene) -> None:
    scene.world.canon("big", {"ps": [1] * 66}, prefix="b-")
    version = scene.world.audio_version("big")
    file = scene.world.recording(version)
    for chapters, expected in ((64, 64), (65, 1)):
        run(scene, "delete from media_files_verses where media_file_id = %(file)s", file)
        run(scene, "delete from progress_refresh_queue", file)
        scene.world.timings(file, [f"b-ps-{n}-1" for n in range(1, chapters + 1)])
        signals = queued(scene.connection)
        assert len(signals) == expected
        assert (("audio", version, None) in signals) is (expected == 1)
