"""What each kind of statement on audio_versions and text_versions queues: the version, whole."""

from uuid import UUID, uuid4

import pytest
from scene import Scene
from signals import assert_signals, queued, whole

pytestmark = pytest.mark.parametrize("kind", ["audio", "text"])


def of(scene: Scene, kind: str) -> tuple[UUID, UUID, UUID]:
    return scene.texts if kind == "text" else scene.audios


def run(scene: Scene, kind: str, statement: str) -> None:
    a, b, v = of(scene, kind)
    scene.connection.execute(
        statement.replace("VERSIONS", f"{kind}_versions"),  # type: ignore[arg-type]
        {"a": a, "b": b, "v": v},
    )


INSERT = (
    "insert into VERSIONS (id, language_entity_id, bible_version_id, name)"
    " select '{id}', language_entity_id, bible_version_id, 'New' from VERSIONS where id = %(a)s"
)


def test_an_insert_queues_the_new_version(scene: Scene, kind: str) -> None:
    new = uuid4()
    run(scene, kind, INSERT.format(id=new))
    assert_signals(scene.connection, whole(kind, new))


IRRELEVANT = {
    "name": "name = 'Renamed'",
    "author": "created_by = null",
    "date": "created_at = created_at - interval '1 year'",
    "language": "language_entity_id = (select id from language_entities where name = 'Latin')",
    "same canon": "bible_version_id = bible_version_id, id = id",
}


@pytest.mark.parametrize("change", IRRELEVANT)
def test_an_update_of_anything_else_queues_nothing(scene: Scene, kind: str, change: str) -> None:
    run(scene, kind, f"update VERSIONS set {IRRELEVANT[change]}")
    assert_signals(scene.connection, set())


def test_deleting_and_restoring_softly_queues_the_version(scene: Scene, kind: str) -> None:
    a = of(scene, kind)[0]
    run(scene, kind, "update VERSIONS set deleted_at = now() where id = %(a)s")
    assert_signals(scene.connection, whole(kind, a))
    run(scene, kind, "update VERSIONS set deleted_at = now() + interval '1 day' where id = %(a)s")
    assert_signals(scene.connection, set())
    run(scene, kind, "update VERSIONS set deleted_at = null where id = %(a)s")
    assert_signals(scene.connection, whole(kind, a))


def test_a_change_of_canon_queues_the_version(scene: Scene, kind: str) -> None:
    run(scene, kind, "update VERSIONS set bible_version_id = 'vul' where id = %(a)s")
    assert_signals(scene.connection, whole(kind, of(scene, kind)[0]))


def test_a_statement_that_changes_one_of_many_queues_that_one(scene: Scene, kind: str) -> None:
    run(
        scene,
        kind,
        "update VERSIONS set name = 'Renamed', deleted_at = case when id = %(b)s then now() end",
    )
    assert_signals(scene.connection, whole(kind, of(scene, kind)[1]))


def test_a_delete_queues_the_version(scene: Scene, kind: str) -> None:
    a = of(scene, kind)[0]
    content = "verse_texts" if kind == "text" else "media_files"
    run(scene, kind, f"delete from {content} where {kind}_version_id = %(a)s")
    run(scene, kind, "delete from progress_refresh_queue")
    run(scene, kind, "delete from VERSIONS where id = %(a)s")
    assert queued(scene.connection) == whole(kind, a)


def test_a_new_id_queues_the_old_and_the_new(scene: Scene, kind: str) -> None:
    old, new, later = uuid4(), uuid4(), uuid4()
    run(scene, kind, INSERT.format(id=old))
    scene.connection.execute("select progress.drain_version(%s, %s)", [kind, old])
    run(scene, kind, f"update VERSIONS set id = '{new}' where id = '{old}'")
    assert_signals(scene.connection, whole(kind, old, new))
    run(scene, kind, f"update VERSIONS set id = '{later}', name = 'Again' where id = '{new}'")
    assert_signals(scene.connection, whole(kind, new, later))


def test_an_upsert_queues_what_it_inserts_and_not_what_it_renames(scene: Scene, kind: str) -> None:
    new = uuid4()
    run(
        scene,
        kind,
        "insert into VERSIONS (id, language_entity_id, bible_version_id, name)"
        f" select n.id, v.language_entity_id, v.bible_version_id, 'New' from VERSIONS v,"
        f" (values (%(a)s::uuid), ('{new}'::uuid)) as n (id) where v.id = %(a)s"
        " on conflict (id) do update set name = excluded.name",
    )
    assert_signals(scene.connection, whole(kind, new))


def test_merge_queues_what_each_of_its_arms_changed(scene: Scene, kind: str) -> None:
    a, _, v = of(scene, kind)
    run(
        scene,
        kind,
        "merge into VERSIONS as t"
        " using (values (%(a)s::uuid, 'drop'), (%(b)s::uuid, 'rename'), (%(v)s::uuid, 'hide'))"
        " as s (id, action) on t.id = s.id"
        " when matched and s.action = 'drop' then delete"
        " when matched and s.action = 'hide' then update set deleted_at = now()"
        " when matched then update set name = 'Renamed'",
    )
    assert queued(scene.connection) >= whole(kind, a, v)
    assert {version for _, version, _ in queued(scene.connection)} == {a, v}
    assert_signals(scene.connection, queued(scene.connection))


def test_copy_queues_the_new_versions(scene: Scene, kind: str) -> None:
    new = uuid4()
    language = scene.world.language("Third")
    with (
        scene.connection.cursor() as cursor,
        cursor.copy(
            f"copy {kind}_versions (id, language_entity_id, bible_version_id, name) from stdin"
        ) as copy,
    ):
        copy.write_row((new, language, "eng", "New"))
    assert_signals(scene.connection, whole(kind, new))


def test_a_writable_cte_queues_all_of_its_parts(scene: Scene, kind: str) -> None:
    b, new = of(scene, kind)[1], uuid4()
    run(
        scene,
        kind,
        "with hidden as (update VERSIONS set deleted_at = now() where id = %(b)s returning *)"
        " insert into VERSIONS (id, language_entity_id, bible_version_id, name)"
        f" select '{new}', language_entity_id, bible_version_id, 'New' from hidden",
    )
    assert_signals(scene.connection, whole(kind, b, new))
