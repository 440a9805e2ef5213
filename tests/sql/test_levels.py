"""G7: progress.levels is the whole list of what is stored."""

from typing import Any

from psycopg import Connection

# Tables with a version in them that hold no coverage of now.
NOT_COVERAGE = {
    "failure": "attempts, not numbers",
    "version_history": "states of past days, which nothing can be compared with",
}


def base_tables(connection: Connection[Any], relations: list[str]) -> set[str]:
    """Return the tables of schema progress that these relations read, through every view."""
    rows = connection.execute(
        """
        with recursive reads (relation) as (
            select r::regclass::oid from unnest(%s::text[]) as r
            union
            select d.refobjid
            from reads
            join pg_rewrite as w on w.ev_class = reads.relation
            join pg_depend as d
                on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
                and d.refclassid = 'pg_class'::regclass
        )
        select c.relname
        from reads join pg_class as c on c.oid = reads.relation
        where c.relkind = 'r' and c.relnamespace = 'progress'::regnamespace
        """,
        [relations],
    ).fetchall()
    return {name for (name,) in rows}


def test_every_table_that_stores_coverage_is_reached_from_the_list(
    conn: Connection[Any],
) -> None:
    stored = [name for (name,) in conn.execute("select stored from progress.levels").fetchall()]
    tables = {
        name
        for (name,) in conn.execute(
            "select c.relname from pg_class as c"
            " join pg_attribute as a on a.attrelid = c.oid and a.attname = 'version_id'"
            " where c.relkind in ('r', 'p', 'm') and c.relnamespace = 'progress'::regnamespace"
        ).fetchall()
    }
    assert tables - NOT_COVERAGE.keys() == base_tables(conn, stored)
    assert NOT_COVERAGE.keys() <= tables


def test_the_live_side_reads_no_rollup(conn: Connection[Any]) -> None:
    """Otherwise a comparison would compare the rollups with themselves.

    The views of both sources read both; which arm is meant is a constant in them.
    """
    verse_level = conn.execute("select live from progress.levels where level = 'verse'").fetchall()
    assert base_tables(conn, [name for (name,) in verse_level]) == set()
    assert base_tables(conn, ["progress.live_chapters", "progress.live_bitmaps"]) == set()


def test_every_level_is_there_for_both_kinds_with_relations_that_exist(
    conn: Connection[Any],
) -> None:
    rows = conn.execute(
        "select kind, level, stored::regclass::text, live::regclass::text, key_column"
        " from progress.levels order by kind, level"
    ).fetchall()
    assert [(kind, level) for kind, level, *_ in rows] == [
        (kind, level)
        for kind in ("audio", "text")
        for level in ("book", "chapter", "language", "verse", "version")
    ]
    for kind, level, stored, live, key in rows:
        assert stored == f"mv_{live}"
        assert kind in live
        assert key == ("language_entity_id" if level == "language" else f"{kind}_version_id")
