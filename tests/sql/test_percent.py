"""Percentages as people read them: never more than the truth."""

from typing import Any

from psycopg import Connection


def test_percent_is_rounded_down_and_100_only_when_complete(conn: Connection[Any]) -> None:
    rows = conn.execute(
        "select c, t, progress.percent(c, t) from generate_series(1, 300) as t,"
        " generate_series(0, t) as c"
        " union all select t - m, t, progress.percent(t - m, t)"
        " from unnest(array[31102, 2147483647]) as t, generate_series(0, 3) as m"
    ).fetchall()
    assert len(rows) > 40_000
    for covered, total, percent in rows:
        assert percent * total <= covered * 100 < (percent + 1) * total
        assert (percent == 100) == (covered == total)


def test_percent_of_nothing_is_unknown(conn: Connection[Any]) -> None:
    assert conn.execute("select progress.percent(0, 0)").fetchone() == (None,)
