"""What a statement read: from its plan, or from the counters that the server keeps anyway."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

Node = dict[str, Any]


def nodes(plan: Node) -> Iterator[Node]:
    """Yield every node of a plan as EXPLAIN (FORMAT JSON) gives it."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def explain(connection: Connection[Any], statement: str) -> Node:
    """Run `statement` and return the root of its plan."""
    row = connection.execute(
        "explain (analyze, timing off, format json) " + statement  # type: ignore[operator]
    ).fetchone()
    assert row is not None
    return row[0][0]["Plan"]


def rows_read(plan: Node, *, ignoring: Collection[str] = ()) -> float:
    """Return how many rows the scans of a plan looked at, those filtered away included."""
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(plan)
        if node.get("Relation Name", None) not in (None, *ignoring)
    )


def scanned_as_a_whole(plan: Node) -> set[str]:
    """Return the tables that a sequential scan of the plan read."""
    return {
        node["Relation Name"]
        for node in nodes(plan)
        if node["Node Type"] == "Seq Scan" and node["Actual Loops"] > 0
    }


@dataclass(slots=True)
class Reads:
    """Per table, filled in when the block ends.

    `rows` were read, `entries` of indexes looked at, those of rows that are gone included.
    """

    rows: dict[str, int] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)
    whole_scans: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)


@contextmanager
def reads(connection: Connection[Any]) -> Iterator[Reads]:
    """Count what the block reads and writes, inside of functions too."""
    found = Reads()
    before = _counters(connection)
    yield found
    for table, numbers in _counters(connection).items():
        rows, entries, scans, written = (
            new - old for new, old in zip(numbers, before.get(table, (0, 0, 0, 0)), strict=True)
        )
        found.rows[table] = rows
        found.entries[table] = entries
        found.whole_scans[table] = scans
        found.written[table] = written


def _counters(connection: Connection[Any]) -> dict[str, tuple[int, int, int, int]]:
    rows = connection.execute(
        "select relname, seq_tup_read + coalesce(idx_tup_fetch, 0),"
        " (select coalesce(sum(pg_stat_get_xact_tuples_returned(i.indexrelid)), 0)::bigint"
        " from pg_index as i where i.indrelid = relid),"
        " seq_scan, n_tup_ins + n_tup_upd + n_tup_del from pg_stat_xact_user_tables"
    ).fetchall()
    return {name: (read, entries, scans, written) for name, read, entries, scans, written in rows}
