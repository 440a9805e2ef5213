"""Which versions are due, and in which order."""

from uuid import UUID

from drains import Connect, due
from scene import Scene

from support.builders import World


def test_nothing_is_due_in_a_clean_database(scene: Scene) -> None:
    assert due(scene.connection) == []


def test_the_oldest_signal_comes_first(scene: Scene) -> None:
    world = scene.world
    world.recording(scene.audio_b, chapter="gen-1")
    world.text(scene.text_b, ["gen-1-2"])
    world.text(scene.text_a, ["gen-1-2"])
    world.text(scene.text_b, ["gen-2-2"])
    assert due(scene.connection) == [
        ("audio", scene.audio_b),
        ("text", scene.text_b),
        ("text", scene.text_a),
    ]


def test_a_version_is_listed_once_with_its_oldest_signal(scene: Scene) -> None:
    scene.world.text(scene.text_a, ["gen-1-2", "gen-2-2", "exod-2-1"])
    scene.connection.execute(
        "update progress_refresh_queue set enqueued_at = '2020-01-01' where chapter_id = 'gen-2'"
    )
    rows = scene.connection.execute(
        "select version_id, extract(year from oldest_at)::int from progress.due_versions(10)"
    ).fetchall()
    assert rows == [(scene.text_a, 2020)]


def test_the_limit_counts_versions_and_not_signals(scene: Scene) -> None:
    scene.world.text(scene.text_a, ["gen-1-2", "gen-2-2", "exod-2-1"])
    scene.world.text(scene.text_b, ["gen-1-2"])
    scene.world.recording(scene.audio_a, chapter="gen-1")
    assert due(scene.connection, 2) == [("text", scene.text_a), ("text", scene.text_b)]
    assert due(scene.connection, 0) == []


def failed(scene: Scene, version: UUID, *, again_in: str = "0") -> None:
    scene.connection.execute(
        "insert into progress.failure (kind, version_id, attempts, next_attempt_at, last_error)"
        " values ('text', %s, 1, clock_timestamp() + %s::interval, 'broken')",
        [version, again_in],
    )


def test_those_that_failed_take_turns_with_the_others(scene: Scene) -> None:
    """Whoever has time for two versions only gets to a healthy one, and tries another again."""
    bad = [scene.world.text_version() for _ in range(3)]
    good = [scene.world.text_version() for _ in range(3)]
    scene.connection.execute("delete from progress_refresh_queue")
    for version in (*bad, *good):
        scene.world.text(version, ["gen-1-2"])
    for version in bad:
        failed(scene, version)
    in_turn = [version for pair in zip(good, bad, strict=True) for version in pair]
    assert [version for _, version in due(scene.connection)] == in_turn
    assert [version for _, version in due(scene.connection, 2)] == [good[0], bad[0]]


def test_many_that_failed_hide_nobody(scene: Scene) -> None:
    bad = [scene.world.text_version() for _ in range(30)]
    scene.connection.execute("delete from progress_refresh_queue")
    for version in bad:
        scene.world.text(version, ["gen-1-2", "gen-2-2", "exod-2-1"])
        failed(scene, version)
    scene.world.text(scene.text_b, ["gen-1-2"])
    assert due(scene.connection, 1) == [("text", scene.text_b)]
    scene.connection.execute(
        "update progress.failure set next_attempt_at = now() + '9 minutes'::interval"
    )
    assert due(scene.connection) == [("text", scene.text_b)]


def test_a_change_of_structure_is_settled_on_the_way(connect: Connect) -> None:
    """Its versions are due even where their first signals are drained already."""
    session = connect()
    world = World(session)
    world.canon()
    version = world.text_version()
    session.execute("delete from progress_refresh_queue")
    session.execute("update books set book_number = 5 where id = 'gen'")
    session.execute("delete from progress_refresh_queue")
    # In as many rounds as it takes; nothing else would make it due.
    rounds = 0
    while not due(session):
        rounds += 1
        assert rounds < 10
    assert due(session) == [("text", version)]
