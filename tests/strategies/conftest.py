"""A database with a small world of texts and recordings, to be moved between the steps."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from acceptance.installation import Installation
from support import traffic


@pytest.fixture
def site(database: str) -> Iterator[Installation]:
    """A database of this test's own, with a world that is drained."""
    with psycopg.connect(database, autocommit=True) as connection:
        installation = Installation(connection)
        traffic.build(installation.world)
        installation.drain()
        yield installation
