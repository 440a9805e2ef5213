"""What the triggers queued, and the promises that this must keep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from psycopg import Connection

from oracle.checks import assert_right

Signal = tuple[str, UUID, str | None]


def queued(connection: Connection[Any]) -> set[Signal]:
    """Return (kind, version, chapter) of every queue row."""
    rows = connection.execute(
        "select kind, version_id, chapter_id from public.progress_refresh_queue"
    ).fetchall()
    signals = {(kind, version, chapter) for kind, version, chapter in rows}
    assert len(signals) == len(rows), "a transaction queued the same scope twice"
    return signals


def assert_signals(connection: Connection[Any], expected: Iterable[Signal]) -> None:
    """Assert that exactly these scopes are queued, and that this is enough."""
    signals, wanted = queued(connection), set(expected)
    assert signals == wanted, f"missing {wanted - signals}, not wanted {signals - wanted}"
    assert_right(connection)


def assert_signals_include(
    connection: Connection[Any],
    expected: Iterable[Signal],
    *,
    versions: Iterable[tuple[str, UUID]],
) -> None:
    """Assert that these scopes are queued, no version but `versions`, and that this is enough.

    For cascades, where several triggers name the same version and need not agree how narrowly.
    """
    signals = queued(connection)
    missing = set(expected) - signals
    assert not missing, f"missing {missing}"
    named = {(kind, version) for kind, version, _ in signals}
    assert named == set(versions), f"unlike {named ^ set(versions)}"
    assert_right(connection)


def whole(kind: str, *versions: UUID) -> set[Signal]:
    """Return the signals that name these versions as a whole."""
    return {(kind, version, None) for version in versions}
