"""Which scopes each kind of statement on verse_texts queues."""

import pytest
from scene import Scene
from signals import assert_signals, queued, whole

# A scene has gen-1-1, gen-2-1 and exod-1-4 in every text.
ROW = "where text_version_id = %(a)s and verse_id = 'gen-1-1'"


def run(scene: Scene, statement: str) -> None:
    scene.connection.execute(
        statement,  # type: ignore[arg-type]
        {"a": scene.text_a, "b": scene.text_b, "v": scene.text_v},
    )


def test_an_insert_queues_its_chapter(scene: Scene) -> None:
    scene.world.text(scene.text_a, ["gen-1-2"])
    assert_signals(scene.connection, {("text", scene.text_a, "gen-1")})


def test_an_insert_of_many_rows_queues_each_version_and_chapter_once(scene: Scene) -> None:
    run(
        scene,
        "insert into verse_texts (text_version_id, verse_id, verse_text)"
        " select t, v, 'Words.' from unnest(array[%(a)s, %(b)s]::uuid[]) as t,"
        " unnest(array['gen-1-2', 'gen-1-3', 'exod-2-1']) as v",
    )
    assert_signals(
        scene.connection,
        {
            ("text", version, chapter)
            for version in (scene.text_a, scene.text_b)
            for chapter in ("gen-1", "exod-2")
        },
    )


IRRELEVANT = {
    "wording": "verse_text = 'Other words.'",
    "publish status": "publish_status = 'published'",
    "author": "created_by = null",
    "id": "id = gen_random_uuid()",
    "creation date": "created_at = now() - interval '1 day'",
    "nothing": "verse_text = verse_text, verse_id = verse_id, text_version_id = text_version_id",
}


@pytest.mark.parametrize("change", IRRELEVANT)
def test_an_update_of_anything_else_queues_nothing(scene: Scene, change: str) -> None:
    run(scene, f"update verse_texts set {IRRELEVANT[change]}")
    assert_signals(scene.connection, set())


RELEVANT = {
    "blanked": "verse_text = ' '",
    "emptied": "verse_text = null",
    "deleted": "deleted_at = now()",
    "moved within the chapter": "verse_id = 'gen-1-2'",
}


@pytest.mark.parametrize("change", RELEVANT)
def test_an_update_of_what_counts_queues_its_chapter(scene: Scene, change: str) -> None:
    run(scene, f"update verse_texts set {RELEVANT[change]} {ROW}")
    assert_signals(scene.connection, {("text", scene.text_a, "gen-1")})


@pytest.mark.parametrize(
    ("hide", "show"),
    [("verse_text = ''", "verse_text = 'Words.'"), ("deleted_at = now()", "deleted_at = null")],
)
def test_a_row_that_counts_again_queues_its_chapter(scene: Scene, hide: str, show: str) -> None:
    run(scene, f"update verse_texts set {hide} {ROW}")
    run(scene, "delete from progress_refresh_queue")
    run(scene, f"update verse_texts set {show} {ROW}")
    # The drain sees the row as it was stored last: with text.
    assert_signals(scene.connection, {("text", scene.text_a, "gen-1")})


@pytest.mark.parametrize(
    "change",
    [
        "deleted_at = deleted_at - interval '1 day'",
        "verse_id = 'exod-2-1'",
        "text_version_id = %(b)s, verse_id = 'gen-1-3'",
        "verse_text = ''",
    ],
)
def test_a_change_of_a_deleted_row_queues_nothing(scene: Scene, change: str) -> None:
    run(scene, f"update verse_texts set deleted_at = now() {ROW}")
    run(scene, "delete from progress_refresh_queue")
    run(scene, f"update verse_texts set {change} where deleted_at is not null")
    assert queued(scene.connection) == set()


def test_a_move_to_another_verse_queues_both_chapters(scene: Scene) -> None:
    run(scene, f"update verse_texts set verse_id = 'exod-2-1' {ROW}")
    assert_signals(
        scene.connection,
        {("text", scene.text_a, "gen-1"), ("text", scene.text_a, "exod-2")},
    )


def test_a_move_to_another_version_queues_both_versions(scene: Scene) -> None:
    run(scene, "delete from verse_texts where text_version_id = %(b)s")
    run(scene, "delete from progress_refresh_queue")
    run(scene, f"update verse_texts set text_version_id = %(b)s {ROW}")
    assert queued(scene.connection) == {
        ("text", scene.text_a, "gen-1"),
        ("text", scene.text_b, "gen-1"),
    }


def test_a_move_to_a_version_of_another_canon_queues_both(scene: Scene) -> None:
    run(scene, f"update verse_texts set text_version_id = %(v)s {ROW}")
    assert_signals(
        scene.connection,
        {("text", scene.text_a, "gen-1"), ("text", scene.text_v, "gen-1")},
    )


def test_a_delete_queues_its_chapters(scene: Scene) -> None:
    run(scene, "delete from verse_texts where text_version_id = %(a)s and verse_id <> 'exod-1-4'")
    assert_signals(
        scene.connection,
        {("text", scene.text_a, "gen-1"), ("text", scene.text_a, "gen-2")},
    )


def test_statements_that_touch_no_row_queue_nothing(scene: Scene) -> None:
    run(scene, "delete from verse_texts where false")
    run(scene, "update verse_texts set deleted_at = now() where false")
    run(
        scene,
        "insert into verse_texts (text_version_id, verse_id)"
        " select text_version_id, verse_id from verse_texts where false",
    )
    assert_signals(scene.connection, set())


UPSERT = (
    "insert into verse_texts (text_version_id, verse_id, verse_text)"
    " values (%(a)s, 'gen-1-1', 'New.'), (%(a)s, 'exod-2-1', 'New.')"
    " on conflict (text_version_id, verse_id) "
)


def test_an_upsert_queues_what_it_inserts_and_not_what_it_rewords(scene: Scene) -> None:
    run(scene, UPSERT + "do update set verse_text = excluded.verse_text")
    assert_signals(scene.connection, {("text", scene.text_a, "exod-2")})


def test_an_upsert_that_blanks_a_row_queues_both_arms(scene: Scene) -> None:
    run(scene, UPSERT + "do update set verse_text = null")
    assert_signals(
        scene.connection,
        {("text", scene.text_a, "gen-1"), ("text", scene.text_a, "exod-2")},
    )


def test_an_upsert_that_skips_a_row_queues_the_others(scene: Scene) -> None:
    run(scene, UPSERT + "do nothing")
    assert_signals(scene.connection, {("text", scene.text_a, "exod-2")})


def test_merge_queues_what_each_of_its_arms_changed(scene: Scene) -> None:
    run(
        scene,
        "merge into verse_texts as t"
        " using (values ('gen-1-1', null), ('gen-2-1', 'Reworded.'), ('exod-1-4', 'drop'),"
        " ('exod-2-2', 'New.')) as s (verse_id, words)"
        " on t.text_version_id = %(a)s and t.verse_id = s.verse_id"
        " when matched and s.words = 'drop' then delete"
        " when matched then update set verse_text = s.words"
        " when not matched then insert (text_version_id, verse_id, verse_text)"
        " values (%(a)s, s.verse_id, s.words)",
    )
    assert_signals(
        scene.connection,
        {("text", scene.text_a, chapter) for chapter in ("gen-1", "exod-1", "exod-2")},
    )


def test_copy_queues_its_chapters(scene: Scene) -> None:
    with (
        scene.connection.cursor() as cursor,
        cursor.copy("copy verse_texts (text_version_id, verse_id, verse_text) from stdin") as copy,
    ):
        for verse in ("gen-1-2", "gen-1-3", "exod-2-1"):
            copy.write_row((scene.text_b, verse, "Words."))
    assert_signals(
        scene.connection,
        {("text", scene.text_b, "gen-1"), ("text", scene.text_b, "exod-2")},
    )


def test_every_part_of_a_writable_cte_queues_its_chapters(scene: Scene) -> None:
    run(
        scene,
        "with gone as (delete from verse_texts where text_version_id = %(a)s"
        " and verse_id = 'gen-1-1' returning *),"
        " blank as (update verse_texts set verse_text = '' where text_version_id = %(b)s"
        " and verse_id = 'gen-2-1')"
        " insert into verse_texts (text_version_id, verse_id, verse_text)"
        " select text_version_id, 'exod-2-1', verse_text from gone",
    )
    assert_signals(
        scene.connection,
        {
            ("text", scene.text_a, "gen-1"),
            ("text", scene.text_b, "gen-2"),
            ("text", scene.text_a, "exod-2"),
        },
    )


def test_truncate_queues_every_text_as_a_whole(scene: Scene) -> None:
    run(scene, "truncate verse_texts")
    assert_signals(scene.connection, whole("text", *scene.texts))


@pytest.mark.parametrize(("chapters", "expected"), [(64, 64), (65, 1)])
def test_more_than_64_chapters_of_a_version_become_one_row(
    scene: Scene, chapters: int, expected: int
) -> None:
    scene.world.canon("big", {"ps": [1] * 66}, prefix="b-")
    version = scene.world.text_version("big")
    run(scene, "delete from progress_refresh_queue")
    run(scene, "delete from progress.unsettled_change")
    scene.world.text(version, [f"b-ps-{n}-1" for n in range(1, chapters + 1)])
    scene.connection.execute("delete from progress_refresh_queue where version_id <> %s", [version])
    signals = queued(scene.connection)
    assert len(signals) == expected
    assert (("text", version, None) in signals) is (expected == 1)

    run(scene, f"update verse_texts set verse_text = '' where text_version_id = '{version}'")
    assert len(queued(scene.connection)) == expected
