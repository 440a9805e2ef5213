"""Which versions are due, and in which order."""

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
