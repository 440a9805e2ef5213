"""Row types have the fields of their queries: neither side changes alone."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_type_hints
from uuid import UUID

import pytest
from psycopg import Connection
from psycopg.rows import class_row

from bible_progress import models, sql
from bible_progress.engine.drain import Drainer
from bible_progress.reading import insights
from support.builders import World

# Which query makes which row type.
QUERY_OF = {
    models.Due: ("drain", "due"),
    models.Drained: ("drain", "drain"),
    models.Status: ("insights", "status"),
    models.Hindrance: ("insights", "hindrances"),
    models.Failure: ("insights", "failures"),
    models.DeadLetter: ("insights", "dead_letters"),
    models.VersionProgress: ("insights", "versions"),
    models.Drift: ("audit", "drift"),
    models.Queued: ("insights", "queue"),
    models.Measured: ("insights", "measurements"),
    models.CronJob: ("schedule", "jobs"),
}
PARAMETERS = {
    "at_most": 10,
    "kind": "text",
    "version_id": UUID(int=0),
    "schema_version": 1,
    "every": 60,
    "version": None,
    "after": None,
}


def test_every_row_type_is_checked_here() -> None:
    declared = {
        kind
        for kind in vars(models).values()
        if isinstance(kind, type) and kind.__module__ == models.__name__
    }
    assert declared == set(QUERY_OF)


@pytest.mark.parametrize("kind", QUERY_OF, ids=lambda kind: kind.__name__)
def test_fields_are_the_columns_in_their_order(conn: Connection[Any], kind: type) -> None:
    file, name = QUERY_OF[kind]
    cursor = conn.execute(sql.queries(file)[name], PARAMETERS)
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    if kind is models.Drift:  # Beside each row stands why there might be none.
        assert names.pop(0) == "why_dirty"
    assert names == [f.name for f in fields(kind)]


def test_status_has_every_column_of_its_view(conn: Connection[Any]) -> None:
    cursor = conn.execute("select * from progress.status")
    assert cursor.description is not None
    assert [column.name for column in cursor.description] == [f.name for f in fields(models.Status)]


def test_values_are_of_the_declared_types(world: World) -> None:
    conn = world.connection
    world.canon()
    first, good, lost = (world.text_version(name=name) for name in ("first", "good", "lost"))
    for version in (first, good, lost):
        world.text(version, ["gen-1-1"])
    conn.execute(
        "insert into progress.measurement (run_id, step, subject, name, samples)"
        " values (gen_random_uuid(), 5, 'read', 'x', 1)"
    )
    drainer = Drainer(conn)
    due = drainer.due(10)
    drainer.record_failure(due[0], "x")
    rows: list[object] = [*insights.queue(conn, 10), *insights.measurements(conn)]
    rows += [*due, *insights.failures(conn)]
    rows += [drainer.drain(version) for version in due]
    conn.execute("update progress.version_rollup set books_complete = 1")
    conn.execute(
        "insert into progress_refresh_dead_letter"
        " (kind, version_id, enqueued_at, attempts, last_error) values ('text', %s, now(), 8, 'x')",
        [lost],
    )
    rows += [insights.status(conn), *insights.dead_letters(conn)]
    rows += insights.versions(conn)
    with conn.cursor(row_factory=class_row(models.CronJob)) as cursor:
        rows += cursor.execute(sql.queries("schedule")["jobs"], PARAMETERS).fetchall()
    # A pg_cron that is not there is what holds things back.
    conn.execute("update progress.settings set cron_database = 'nowhere'")
    rows += insights.hindrances(conn)
    # Even if dirty: in a transaction of its own the canon is a change that has not settled.
    with conn.cursor(row_factory=class_row(models.Drift)) as cursor:
        rows += cursor.execute("select * from progress.drift('text', %s, true)", [good]).fetchall()
    assert {type(row) for row in rows} == set(QUERY_OF)
    for row in rows:
        for name, declared in get_type_hints(type(row)).items():
            value = getattr(row, name)
            if declared == dict[str, Any]:
                assert isinstance(value, dict)
            else:
                assert isinstance(value, declared), (type(row).__name__, name, value)
