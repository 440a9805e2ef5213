from support.builders import World
from support.oracle import drain_and_assert_same
from support.recount import assert_live_matches


def test_one_world(world: World) -> None:
    world.canon()
    a = world.text_version()
    b = world.audio_version()
    world.text(a, ["gen-1-1", "gen-1-2", "gen-1-3", "exod-2-1"])
    world.recording(b, chapter="gen-1")
    world.recording(b, start="gen-2-2", end="exod-1-2")
    f = world.recording(b, start="exod-2-1")
    world.timings(f, ["exod-2-2", "exod-1-4"])
    assert_live_matches(world.connection)
    drain_and_assert_same(world.connection)
