"""What dead runs of the embedded PostgreSQL left is removed at the next start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bible_progress.embedded.server import EmbeddedPostgres


@pytest.mark.parametrize("remains", ["pgdata/base/1/2604", "lock", "pgdata/lock"])
def test_a_removal_that_was_killed_is_finished_by_a_later_run(place: Path, remains: str) -> None:
    left = place / "bible-progress-run-left"
    (left / remains).parent.mkdir(parents=True)
    (left / remains).touch()
    os.utime(left, (0, 0))
    with EmbeddedPostgres(durable=False):
        assert not left.exists()
