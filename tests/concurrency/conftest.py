"""A stage for every test here: a database of its own and sessions to step through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from psycopg import Connection
from support.sessions import Stage


@pytest.fixture
def stage(connect: Callable[..., Connection[Any]]) -> Iterator[Stage]:
    """A committed, empty world and the sessions that a test opens on it."""
    stage = Stage(connect)
    yield stage
    stage.close()
