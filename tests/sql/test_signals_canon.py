"""What changes of canon structure queue: books and chapters whole versions, verses chapters."""

from uuid import UUID

import pytest
from scene import Scene
from signals import Signal, assert_signals, assert_signals_include, queued, whole

Key = tuple[str, UUID]


def eng(scene: Scene) -> list[Key]:
    return [
        ("text", scene.text_a),
        ("text", scene.text_b),
        ("audio", scene.audio_a),
        ("audio", scene.audio_b),
    ]


def vul(scene: Scene) -> list[Key]:
    return [("text", scene.text_v), ("audio", scene.audio_v)]


def scoped(versions: list[Key], *chapters: str | None) -> set[Signal]:
    return {(kind, version, chapter) for kind, version in versions for chapter in chapters}


IRRELEVANT = [
    "update books set name = upper(name), testament = 'new'",
    "update books set book_number = book_number, bible_version_id = bible_version_id",
    "update chapters set total_verses = total_verses + 1",
    "update chapters set chapter_number = chapter_number, book_id = book_id",
    "update verses set verse_number = verse_number, chapter_id = chapter_id",
    "update bible_versions set name = upper(name)",
    "update language_entities set name = upper(name), deleted_at = now(), level = 'dialect'",
    "insert into bible_versions (id, name) values ('new', 'New')",
    "insert into language_entities (name) values ('New')",
    "insert into users default values",
    "delete from verses where false",
]


@pytest.mark.parametrize("statement", IRRELEVANT)
def test_a_change_that_moves_no_verse_queues_nothing(scene: Scene, statement: str) -> None:
    scene.connection.execute(statement)  # type: ignore[arg-type]
    assert_signals(scene.connection, set())
    unsettled = scene.connection.execute("select from progress.unsettled_change").fetchall()
    assert unsettled == []


WHOLE_CANON = [
    "insert into books (id, name, book_number, bible_version_id) values ('lev', 'L', 3, 'eng')",
    "update books set book_number = 9 where id = 'gen'",
    "insert into chapters (id, chapter_number, book_id) values ('gen-3', 3, 'gen')",
    "update chapters set chapter_number = 3 - chapter_number where book_id = 'gen'",
    "update chapters set book_id = 'exod' where id = 'gen-1'",
    "update verses set chapter_id = 'gen-2', verse_number = 9 where id = 'gen-1-1'",
    "update verses set id = 'gen-1-0' where id = 'gen-1-3'",
    "merge into books as b using (values ('gen', 7)) as s (id, number) on b.id = s.id"
    " when matched then update set book_number = s.number",
    "insert into chapters (id, chapter_number, book_id) values ('gen-2', 5, 'gen')"
    " on conflict (id) do update set chapter_number = excluded.chapter_number",
]


@pytest.mark.parametrize("statement", WHOLE_CANON)
def test_books_chapters_and_moving_verses_queue_the_canon_as_a_whole(
    scene: Scene, statement: str
) -> None:
    # A range that crosses the books sees every such change.
    scene.world.recording(scene.audio_b, start="gen-1-2", end="exod-1-1")
    scene.connection.execute("select progress.drain_version('audio', %s)", [scene.audio_b])
    scene.connection.execute(statement)  # type: ignore[arg-type]
    assert_signals(scene.connection, scoped(eng(scene), None))


BOTH_CANONS = [
    "update books set bible_version_id = 'vul', book_number = 3 where id = 'gen'",
    "update chapters set book_id = 'v-gen', chapter_number = 3 where id = 'gen-1'",
    "update verses set chapter_id = 'v-gen-1', verse_number = 9 where id = 'gen-1-1'",
]


@pytest.mark.parametrize("statement", BOTH_CANONS)
def test_a_move_between_canons_queues_both(scene: Scene, statement: str) -> None:
    scene.connection.execute(statement)  # type: ignore[arg-type]
    assert_signals(scene.connection, scoped([*eng(scene), *vul(scene)], None))


ONE_CHAPTER = [
    "insert into verses (id, verse_number, chapter_id) values ('gen-1-4', 4, 'gen-1')",
    "update verses set verse_number = 9 where id = 'gen-1-1'",
    "update verses set verse_number = 4 - verse_number where chapter_id = 'gen-1'",
    "delete from verses where id = 'gen-1-3'",
    "merge into verses as v using (values ('gen-1-2', 8), ('gen-1-8', 7)) as s (id, number)"
    " on v.id = s.id when matched then update set verse_number = s.number"
    " when not matched then insert values (s.id, s.number, 'gen-1')",
    "insert into verses (id, verse_number, chapter_id) values ('gen-1-3', 7, 'gen-1')"
    " on conflict (id) do update set verse_number = excluded.verse_number",
    "with gone as (delete from verses where id = 'gen-1-3' returning *)"
    " insert into verses select 'gen-1-9', 9, chapter_id from gone",
]


@pytest.mark.parametrize("statement", ONE_CHAPTER)
def test_verses_that_come_go_or_change_their_number_queue_their_chapter(
    scene: Scene, statement: str
) -> None:
    scene.world.recording(scene.audio_b, start="gen-1-2", end="gen-2-1")
    scene.connection.execute("select progress.drain_version('audio', %s)", [scene.audio_b])
    scene.connection.execute(statement)  # type: ignore[arg-type]
    assert_signals(scene.connection, scoped(eng(scene), "gen-1"))


def test_a_statement_over_two_canons_queues_the_chapters_of_each(scene: Scene) -> None:
    scene.connection.execute(
        "update verses set verse_number = 9 where id in ('gen-1-1', 'v-exod-2-1')"
    )
    assert_signals(scene.connection, scoped(eng(scene), "gen-1") | scoped(vul(scene), "v-exod-2"))


def test_copy_queues_its_chapters(scene: Scene) -> None:
    with (
        scene.connection.cursor() as cursor,
        cursor.copy("copy verses (id, verse_number, chapter_id) from stdin") as copy,
    ):
        copy.write_row(("gen-1-4", 4, "gen-1"))
        copy.write_row(("exod-2-3", 3, "exod-2"))
    assert_signals(scene.connection, scoped(eng(scene), "gen-1", "exod-2"))


def test_versions_of_other_canons_stay_out_of_it(scene: Scene) -> None:
    scene.connection.execute("delete from books where bible_version_id = 'vul'")
    assert_signals_include(scene.connection, scoped(vul(scene), None), versions=vul(scene))


def test_deleted_versions_are_not_queued(scene: Scene) -> None:
    scene.connection.execute(
        "update text_versions set deleted_at = now() where id = %s", [scene.text_b]
    )
    scene.connection.execute("select progress.drain_version('text', %s)", [scene.text_b])
    scene.connection.execute("update verses set verse_number = 9 where id = 'gen-1-1'")
    others = [key for key in eng(scene) if key != ("text", scene.text_b)]
    assert_signals(scene.connection, scoped(others, "gen-1"))


@pytest.mark.parametrize(("chapters", "expected"), [(64, 64), (65, 1)])
def test_more_than_64_chapters_of_a_canon_become_one_row_a_version(
    scene: Scene, chapters: int, expected: int
) -> None:
    scene.world.canon("big", {"ps": [1] * 66}, prefix="b-")
    text, audio = scene.world.text_version("big"), scene.world.audio_version("big")
    scene.connection.execute("delete from progress_refresh_queue")
    scene.connection.execute("delete from progress.unsettled_change")
    scene.connection.execute(
        "insert into verses (id, verse_number, chapter_id)"
        " select 'b-ps-' || n || '-2', 2, 'b-ps-' || n from generate_series(1, %s) as n",
        [chapters],
    )
    signals = queued(scene.connection)
    assert len(signals) == 2 * expected
    assert (whole("text", text) <= signals) is (expected == 1)
    assert (whole("audio", audio) <= signals) is (expected == 1)
    unsettled = scene.connection.execute("select from progress.unsettled_change").fetchall()
    assert len(unsettled) == expected


TRUNCATES = ("books", "chapters", "verses")


@pytest.mark.parametrize("table", TRUNCATES)
def test_truncate_queues_every_version(scene: Scene, table: str) -> None:
    scene.connection.execute(f"truncate {table} cascade")
    assert_signals(scene.connection, whole("text", *scene.texts) | whole("audio", *scene.audios))
