"""The world that tests of single SQL objects start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection

from support.builders import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Canon `eng` has books gen (3, 2 verses) and exod (4, 2); `vul` the same with ids `v-`.

    Text A and audio A are the versions that tests write to; B are neighbours in the same canon and
    V versions of the other canon, which must mostly stay out of it.
    """

    world: World
    text_a: UUID
    text_b: UUID
    text_v: UUID
    audio_a: UUID
    audio_b: UUID
    audio_v: UUID

    @property
    def connection(self) -> Connection[Any]:
        return self.world.connection

    @property
    def texts(self) -> tuple[UUID, UUID, UUID]:
        return self.text_a, self.text_b, self.text_v

    @property
    def audios(self) -> tuple[UUID, UUID, UUID]:
        return self.audio_a, self.audio_b, self.audio_v
