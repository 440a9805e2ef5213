"""Deletes that cascade: what each parent takes along is signalled by somebody.

Several triggers may name the same version here, so these tests ask which versions are queued and
which scopes must be, and leave it to the oracle whether that is enough.
"""

from collections.abc import Callable
from uuid import UUID

import pytest
from scene import Scene
from signals import Signal, assert_signals, assert_signals_include, whole

from oracle.checks import quiet

Versions = set[tuple[str, UUID]]


def eng(scene: Scene) -> Versions:
    return {
        ("text", scene.text_a),
        ("text", scene.text_b),
        ("audio", scene.audio_a),
        ("audio", scene.audio_b),
    }


def scoped(versions: Versions, chapter: str | None) -> set[Signal]:
    return {(kind, version, chapter) for kind, version in versions}


@pytest.fixture
def recorded(scene: Scene) -> Scene:
    """A scene in which audio A has a file of every shape, with timings elsewhere."""
    world = scene.world
    world.timings(world.recording(scene.audio_a, chapter="gen-1"), ["exod-1-1"])
    world.timings(world.recording(scene.audio_a, start="gen-2-1"), ["exod-1-2"])
    world.timings(world.recording(scene.audio_a, start="gen-1-2", end="gen-2-2"), ["exod-1-3"])
    world.timings(world.recording(scene.audio_a), ["gen-1-1", "exod-1-4"])
    quiet(scene.connection)
    return scene


# The parent that goes; the scopes that must be queued; the versions that may be.
DELETES: dict[str, tuple[Callable[[Scene], set[Signal]], Callable[[Scene], Versions]]] = {
    "text_versions where id = %(text_a)s": (
        lambda s: whole("text", s.text_a),
        lambda s: {("text", s.text_a)},
    ),
    "audio_versions where id = %(audio_a)s": (
        lambda s: whole("audio", s.audio_a),
        lambda s: {("audio", s.audio_a)},
    ),
    "language_entities where name = 'Latin'": (
        lambda s: whole("audio", s.audio_v) | whole("text", s.text_v),
        lambda s: {("audio", s.audio_v), ("text", s.text_v)},
    ),
    "bible_versions where id = 'vul'": (
        lambda s: whole("audio", s.audio_v) | whole("text", s.text_v),
        lambda s: {("audio", s.audio_v), ("text", s.text_v)},
    ),
    "books where id = 'gen'": (lambda s: scoped(eng(s), None), eng),
    "chapters where id = 'gen-1'": (lambda s: scoped(eng(s), None), eng),
    "chapters where id = 'exod-1'": (lambda s: scoped(eng(s), None), eng),
    "verses where id = 'gen-1-1'": (lambda s: scoped(eng(s), "gen-1"), eng),
    "verses where id = 'exod-1-4'": (lambda s: scoped(eng(s), "exod-1"), eng),
    "verses where id in ('gen-1-2', 'exod-1-3')": (
        lambda s: scoped(eng(s), "gen-1") | scoped(eng(s), "exod-1"),
        eng,
    ),
    # A file that starts here goes with it, and with the file its timing in another chapter.
    "verses where id = 'gen-2-1'": (lambda s: scoped(eng(s), "gen-2"), eng),
    # The end of a range that crosses chapters.
    "verses where id = 'gen-2-2'": (lambda s: scoped(eng(s), "gen-2"), eng),
    "verses where chapter_id = 'gen-1'": (lambda s: scoped(eng(s), "gen-1"), eng),
    "verses where id like 'v-%%'": (
        lambda s: scoped({("text", s.text_v), ("audio", s.audio_v)}, "v-gen-1"),
        lambda s: {("text", s.text_v), ("audio", s.audio_v)},
    ),
}


@pytest.mark.parametrize("delete", DELETES)
def test_a_delete_that_cascades_is_signalled(recorded: Scene, delete: str) -> None:
    required, versions = DELETES[delete]
    recorded.connection.execute(
        f"delete from {delete}",  # type: ignore[arg-type]
        {"text_a": recorded.text_a, "audio_a": recorded.audio_a},
    )
    assert_signals_include(recorded.connection, required(recorded), versions=versions(recorded))


def test_a_language_takes_recordings_of_other_languages_versions_along(recorded: Scene) -> None:
    """A file carries a language of its own, and goes with it, wherever its version belongs."""
    run = recorded.connection.execute
    run(
        "with other as (insert into language_entities (name) values ('Other') returning id)"
        " update media_files set language_entity_id = (select id from other)"
        " where audio_version_id = %s and chapter_id = 'gen-1'",
        [recorded.audio_a],
    )
    run("delete from progress_refresh_queue")
    run("delete from language_entities where name = 'Other'")
    assert_signals(
        recorded.connection,
        {("audio", recorded.audio_a, "gen-1"), ("audio", recorded.audio_a, "exod-1")},
    )


def test_everything_at_once(recorded: Scene) -> None:
    recorded.connection.execute("delete from bible_versions")
    everyone = [("text", v) for v in recorded.texts] + [("audio", v) for v in recorded.audios]
    assert_signals_include(recorded.connection, (), versions=everyone)


@pytest.mark.parametrize("table", ["audio_versions", "text_versions", "verse_texts", "media_files"])
def test_losing_the_author_queues_nothing(recorded: Scene, table: str) -> None:
    run = recorded.connection.execute
    run("insert into users (id) values (gen_random_uuid())")
    run(f"update {table} set created_by = (select id from users)")
    run("delete from users")
    assert_signals(recorded.connection, ())


def test_losing_the_author_of_timings_queues_nothing(recorded: Scene) -> None:
    run = recorded.connection.execute
    run("insert into users (id) values (gen_random_uuid())")
    run("update media_files_verses set created_by = (select id from users)")
    run("delete from users")
    assert_signals(recorded.connection, ())


CASCADING_TRUNCATES = ("bible_versions", "books", "chapters", "verses", "language_entities")


@pytest.mark.parametrize("table", CASCADING_TRUNCATES)
def test_a_truncate_that_cascades_queues_every_version_of_both_kinds(
    recorded: Scene, table: str
) -> None:
    recorded.connection.execute(f"truncate {table} cascade")
    assert_signals(
        recorded.connection, whole("text", *recorded.texts) | whole("audio", *recorded.audios)
    )


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("text_versions", "text"),
        ("audio_versions", "audio"),
        ("media_files", "audio"),
        ("users", "both"),
    ],
)
def test_a_truncate_of_one_kind_leaves_the_other_alone(
    recorded: Scene, table: str, kind: str
) -> None:
    recorded.connection.execute(f"truncate {table} cascade")
    expected: set[Signal] = set()
    if kind in ("text", "both"):
        expected |= whole("text", *recorded.texts)
    if kind in ("audio", "both"):
        expected |= whole("audio", *recorded.audios)
    assert_signals(recorded.connection, expected)
