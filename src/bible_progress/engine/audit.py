"""Compare what is stored with what the base tables say, and queue what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row, scalar_row, tuple_row

from .. import sql
from ..db import translated
from ..installing import checks
from ..installing.checks import step_parameters
from ..models import Drift
from .drain import signal_unsignalled

_QUERIES = sql.queries("audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftedVersion:
    """A clean version whose stored numbers differ from the base tables."""

    kind: str
    version_id: UUID
    rows: tuple[Drift, ...]


@dataclass(slots=True, kw_only=True)
class Audit:
    """What an audit found. `left_out` counts versions whose numbers may differ, by why they may.

    The reasons are those of progress.why_dirty.
    """

    checked: int = 0
    left_out: Counter[str] = field(default_factory=Counter[str])
    drifted: list[DriftedVersion] = field(default_factory=list[DriftedVersion])
    broken_triggers: list[str] = field(default_factory=list[str])
    wrong_totals: list[str] = field(default_factory=list[str])

    @property
    def is_clean(self) -> bool:
        """Whether stored numbers can be trusted; a wrong total_verses is the host's matter."""
        return not self.drifted and not self.broken_triggers

    @property
    def is_complete(self) -> bool:
        """Whether something was compared, and nothing left out."""
        return self.checked > 0 and not self.left_out


def audit(
    connection: Connection[Any],
    *,
    sample: int | None = None,
    repair: bool = False,
    totals: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Audit:
    """Compare all versions, or `sample` random ones, each in one snapshot.

    `repair` queues those that differ, or that came or went past the triggers, for a refresh;
    `totals` also looks at every stored chapters.total_verses. `progress` gets (versions done, in
    all).
    """
    found = Audit()
    with translated(), connection.cursor(row_factory=tuple_row) as cursor:
        if sample is None:
            cursor.execute(_QUERIES["versions"])
        else:
            cursor.execute(_QUERIES["sample"], {"at_most": sample})
        versions = cursor.fetchall()
        for done, (kind, version_id) in enumerate(versions):
            progress(done, len(versions))
            reason, rows = drift(connection, kind, version_id)
            if reason is not None:
                found.left_out[reason] += 1
                continue
            found.checked += 1
            if rows:
                found.drifted.append(
                    DriftedVersion(kind=kind, version_id=version_id, rows=tuple(rows))
                )
                if repair:
                    cursor.execute(_QUERIES["repair"], {"kind": kind, "version_id": version_id})
        progress(len(versions), len(versions))
    if repair:
        signal_unsignalled(connection)
    found.broken_triggers = broken_triggers(connection)
    if totals:
        found.wrong_totals = _wrong_totals(connection)
    return found


def drift(
    connection: Connection[Any], kind: str, version_id: UUID
) -> tuple[str | None, list[Drift]]:
    """Return why a version cannot be compared, or None and the rows by which it is wrong."""
    with translated(), connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            _QUERIES["drift"], {"kind": kind, "version_id": version_id}
        ).fetchall()
    return rows[0][0], [
        Drift(level=level, side=side, difference=difference)
        for _, level, side, difference in rows
        if level is not None
    ]


def broken_triggers(connection: Connection[Any]) -> list[str]:
    """Return which of our triggers are missing or disabled; writes past them leave no signal."""
    with translated(), connection.cursor(row_factory=dict_row) as cursor:
        [settings] = cursor.execute(_QUERIES["settings"]).fetchall()
        rows = checks.rows(connection, "our_triggers", step_parameters(settings["rollout_step"]))
    return [row["finding"] for row in rows]


def _wrong_totals(connection: Connection[Any]) -> list[str]:
    # Not the check of doctor, which reads tables that workers may not.
    with translated(), connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(_QUERIES["wrong_totals"]).fetchall()
