"""Stored against live against exact, at every level of progress.levels, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection, IsolationLevel, sql
from psycopg.pq import TransactionStatus

# A best version may be wrong while any version of its language is dirty, or that version itself,
# which may be of another language or deleted by now.
_DIRTY_KEYS = {
    "language": "select v.language_entity_id from progress.dirty d"
    " join progress.versions v using (kind, version_id) where d.kind = {kind}"
    " union all select b.language_entity_id from {stored} b"
    " join progress.dirty d on d.kind = {kind} and d.version_id = b.{version}",
    "version": "select d.version_id from progress.dirty d where d.kind = {kind}",
}


# By step of the rollout, of both kinds.
STORED_LEVELS = {1: 0, 2: 2, 3: 10, 4: 10, 5: 10}

_COLLAPSE = (
    "select set_config('join_collapse_limit', %(limit)s, false),"
    " set_config('from_collapse_limit', %(limit)s, false)"
)


def drain(connection: Connection[Any]) -> int:
    """Drain until nothing is due; returns how many versions were drained."""
    drained = idle = 0
    while True:
        due = connection.execute("select kind, version_id from progress.due_versions(100)")
        outcomes = [
            connection.execute(
                "select outcome from progress.drain_version(%s, %s)", list(row)
            ).fetchone()
            for row in due.fetchall()
        ]
        # Changes of structure settle in rounds, in transactions of their own only.
        idle = 0 if outcomes else idle + 1
        if idle > 3:
            return drained
        assert {row[0] for row in outcomes if row} <= {"drained", "clean", "locked"}, outcomes
        drained += len(outcomes)


@contextmanager
def quick_plans(connection: Connection[Any]) -> Iterator[None]:
    """Plan with little search: these worlds are small, and planning is what takes the time."""
    connection.execute(_COLLAPSE, {"limit": "4"})
    try:
        yield
    finally:
        if connection.info.transaction_status != TransactionStatus.INERROR:
            connection.execute(_COLLAPSE, {"limit": "8"})


def differences(
    connection: Connection[Any], *, clean_only: bool
) -> list[tuple[str, str, str, Any]]:
    """Return (kind, level, side, row) for every row in which stored and live differ.

    With `clean_only`, rows of versions that are dirty in this snapshot are left out.
    """
    found: list[tuple[str, str, str, Any]] = []
    levels = connection.execute(
        "select kind, level, stored, live, key_column from progress.levels"
        " where to_regclass(stored) is not null"
    ).fetchall()
    step = connection.execute("select rollout_step from progress.settings").fetchone()
    assert step is not None
    assert len(levels) == STORED_LEVELS[step[0]]
    for kind, level, stored, live, key in levels:
        where = sql.SQL("")
        if clean_only:
            dirty = _DIRTY_KEYS["language" if level == "language" else "version"]
            where = sql.SQL(" where {key} not in (" + dirty + ")").format(
                key=sql.Identifier(key),
                kind=sql.Literal(kind),
                stored=_name(stored),
                version=sql.Identifier(f"{kind}_version_id"),
            )
        found += [
            (kind, level, side, tuple(row))
            for side, *row in _differing(
                connection,
                "stored",
                sql.SQL("select * from {} s").format(_name(stored)) + where,
                sql.SQL("select * from {} l").format(_name(live)) + where,
            )
        ]
    return found


def inexact(connection: Connection[Any]) -> list[tuple[str, str, str, Any]]:
    """Return (kind, level, side, row) for every row in which exact reads and live differ."""
    found: list[tuple[str, str, str, Any]] = []
    for level, exact, live in _EXACT:
        for side, kind, *row in _differing(connection, "exact", sql.SQL(exact), sql.SQL(live)):
            found.append((kind, level, side, (kind, *row)))
    return found


def assert_same(connection: Connection[Any]) -> None:
    """Assert that stored = live for every version, and that exact reads equal both."""
    with quick_plans(connection):
        assert differences(connection, clean_only=False) == []
        assert inexact(connection) == []


def assert_promises(connection: Connection[Any]) -> None:
    """Assert G1 and G2 in this snapshot: clean is right, exact is right."""
    with quick_plans(connection):
        assert differences(connection, clean_only=True) == []
        assert inexact(connection) == []


def drain_and_assert_same(connection: Connection[Any]) -> None:
    """Assert the promises as things are, drain, and assert that everything is right."""
    assert_promises(connection)
    drain(connection)
    assert_same(connection)


@contextmanager
def snapshot(connection: Connection[Any]) -> Iterator[Connection[Any]]:
    """Hold one REPEATABLE READ snapshot of an idle autocommit connection."""
    connection.autocommit = False
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        yield connection
    finally:
        connection.rollback()
        connection.isolation_level = None
        connection.autocommit = True


def _differing(
    connection: Connection[Any], name: str, one: sql.Composable, live: sql.Composable
) -> list[tuple[Any, ...]]:
    """Return the rows that one of two queries has more often, each behind that one's name.

    In one statement, so that each query is planned and run once.
    """
    return connection.execute(
        sql.SQL(
            "with one as materialized ({one}), live as materialized ({live})"
            " (select {name}, * from one except all select {name}, * from live)"
            " union all (select 'live', * from live except all select 'live', * from one)"
        ).format(name=sql.Literal(name), one=one, live=live)
    ).fetchall()


def _name(qualified: str) -> sql.Composable:
    return sql.Identifier(*qualified.split("."))


_EXACT = (
    (
        "verse",
        "select v.kind, v.version_id, e.verse_id, e.chapter_id from progress.versions v"
        " cross join lateral progress.exact_verses(v.kind, v.version_id) e",
        "select kind, version_id, verse_id, chapter_id from progress.live_verses",
    ),
    (
        "chapter",
        "select v.kind, v.version_id, e.* from progress.versions v"
        " cross join lateral progress.exact_chapters(v.kind, v.version_id) e",
        "select kind, version_id, book_id, chapter_id, covered_verses, total_verses, book_number,"
        " chapter_number from progress.live_chapters",
    ),
    (
        "book",
        "select v.kind, v.version_id, e.* from progress.versions v"
        " cross join lateral progress.exact_books(v.kind, v.version_id) e",
        "select kind, version_id, book_id, covered_verses, total_verses, chapters_with_any,"
        " complete_chapters, total_chapters, book_number from progress.live_books",
    ),
    (
        "version",
        "select v.kind, v.version_id, e.covered_verses, e.total_verses, e.chapters_with_any,"
        " e.complete_chapters, e.total_chapters, e.books_complete, e.total_books"
        " from progress.versions v"
        " cross join lateral progress.exact_version(v.kind, v.version_id) e",
        "select kind, version_id, covered_verses, total_verses, chapters_with_any,"
        " complete_chapters, total_chapters, books_complete, total_books"
        " from progress.live_versions",
    ),
    (
        "language",
        "select k.kind, l.id, progress.exact_best_version(k.kind, l.id) as best"
        # Hosts without foreign keys have versions of languages that are not there.
        " from (select id from language_entities union"
        " select language_entity_id from progress.versions) l"
        " cross join (values ('audio'), ('text')) k (kind)"
        " where progress.exact_best_version(k.kind, l.id) is not null",
        "select kind, language_entity_id, version_id from progress.live_best_versions",
    ),
)
