"""The jobs for pg_cron, and what is said where it is absent."""

import re
from typing import Any

import psycopg
import pytest
from psycopg import Connection


def jobs(
    connection: Connection[Any], every: int | None = 60, version: str | None = "1.6"
) -> dict[str, tuple[str, str]]:
    rows = connection.execute(
        "select name, schedule, command from progress.cron_jobs(%s, %s)", [every, version]
    )
    return {name.split()[1]: (schedule, command) for name, schedule, command in rows.fetchall()}


@pytest.mark.parametrize(
    ("every", "schedule"),
    [(1, "1 seconds"), (59, "59 seconds"), (60, "* * * * *"), (600, "*/10 * * * *")],
)
def test_the_period_becomes_a_schedule(conn: Connection[Any], every: int, schedule: str) -> None:
    assert jobs(conn, every)["drain"][0] == schedule


@pytest.mark.parametrize("every", [1, 5, 60, 300, 1800])
def test_a_drain_ends_before_the_next_begins(conn: Connection[Any], every: int) -> None:
    found = re.search(r"p_seconds => ([\d.]+)\)", jobs(conn, every)["drain"][1])
    assert found
    assert 0 < float(found[1]) < every


@pytest.mark.parametrize("every", [None, -1, 0, 61, 90, 420, 3600])
def test_other_periods_are_refused(conn: Connection[Any], every: int | None) -> None:
    with pytest.raises(psycopg.Error) as refused:
        jobs(conn, every)
    assert refused.value.sqlstate == "BP002"


@pytest.mark.parametrize(
    ("version", "fits"), [("1.4-1", False), ("1.3", False), ("1.5", True), ("1.10", True)]
)
def test_seconds_need_a_version_that_has_them(
    conn: Connection[Any], version: str, fits: bool
) -> None:
    assert len(jobs(conn, 60, version)) == 3
    if fits:
        assert jobs(conn, 10, version)["drain"][0] == "10 seconds"
        return
    with pytest.raises(psycopg.Error, match=version):
        jobs(conn, 10, version)


def test_names_hold_the_database(conn: Connection[Any]) -> None:
    rows = conn.execute("select name from progress.cron_jobs()").fetchall()
    assert len(rows) == 3
    for (name,) in rows:
        assert name.endswith(f" ({conn.info.dbname})")


def test_without_pg_cron_it_says_so_and_remembers_nothing(conn: Connection[Any]) -> None:
    missing = pytest.raises(psycopg.Error, match="pg_cron is not in database")
    with missing as refused, conn.transaction():
        conn.execute("select progress.schedule()")
    assert refused.value.sqlstate == "BP012"
    assert refused.value.diag.message_hint
    assert conn.execute("select cron_database from progress.settings").fetchone() == (None,)
    assert conn.execute("select progress.unschedule()").fetchone() == (0,)
