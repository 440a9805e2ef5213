"""One scene for the tests of single SQL objects: two canons, versions of each, nothing queued."""

from __future__ import annotations

import pytest
from scene import Scene

from oracle.checks import quiet
from support.builders import World


@pytest.fixture
def scene(world: World) -> Scene:
    world.canon("eng")
    world.canon("vul", prefix="v-")
    english, latin = world.language("English"), world.language("Latin")
    made = Scene(
        world=world,
        text_a=world.text_version("eng", english),
        text_b=world.text_version("eng", english),
        text_v=world.text_version("vul", latin),
        audio_a=world.audio_version("eng", english),
        audio_b=world.audio_version("eng", english),
        audio_v=world.audio_version("vul", latin),
    )
    for version in made.texts:
        prefix = "v-" if version == made.text_v else ""
        world.text(version, [f"{prefix}gen-1-1", f"{prefix}gen-2-1", f"{prefix}exod-1-4"])
    for version in made.audios:
        prefix = "v-" if version == made.audio_v else ""
        world.recording(version, chapter=f"{prefix}exod-2")
    quiet(world.connection)
    return made
