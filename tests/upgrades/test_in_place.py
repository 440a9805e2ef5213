"""An upgrade leaves no grant, comment or view of the host behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql

from acceptance.installation import Installation
from bible_progress.errors import InstallRefused
from bible_progress.installing import export, install, schema
from bible_progress.rollout import moves as rollout
from support import oracle
from upgrades.test_upgrades import KEPT, apply, refresh

Upgrade = Callable[[Connection[Any], int], object]

BI, BI_TOO = "bp_test_bi", "bp_test_bi_too"
LIVE = "text_version_progress_summary"
VERSES = "mv_text_verse_coverage"
# Whatever a host may make of a relation of ours; none of it may be lost.
BUILT = (
    "create view on_{0} as select * from {0}",
    "create materialized view kept_{0} as select * from {0} with no data",
    "create function rows_of_{0}() returns setof {0} language sql as 'select * from {0}'",
    "create policy of_{0} on users using (exists (select from {0}))",
    "create table like_{0} (of_ours {0})",
)
ON_VIEWS = (
    "create rule of_host as on insert to {0} do instead nothing",
    "alter view {0} set (security_barrier = true)",
)


@pytest.fixture
def roles(server: str) -> Iterator[None]:
    """Two roles that we do not know."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"create role {BI}; create role {BI_TOO}")  # type: ignore[arg-type]
        yield
        admin.execute(f"drop role if exists {BI}, {BI_TOO}")  # type: ignore[arg-type]


@contextmanager
def at(url: str, release: str | None, step: int) -> Iterator[Installation]:
    """An installation by a release, on a step, with what is stored there."""
    with psycopg.connect(url, autocommit=True) as connection:
        apply(connection, release, step)
        site = Installation(connection)
        site.texts(2, drained=False)
        site.world.recording(site.world.audio_version(), chapter="gen-1")
        refresh(site, step)
        try:
            yield site
        finally:
            connection.execute(f"drop owned by {BI}, {BI_TOO}")  # type: ignore[arg-type]


def relations(site: Installation, *kinds: str) -> list[str]:
    return [
        name
        for (name,) in site.rows(
            "select relname from pg_class where relnamespace = 'public'::regnamespace"
            " and relkind::text = any(%s) and relname = any(%s) order by 1",
            list(kinds),
            list(schema.contract_views()),
        )
    ]


def grant_and_comment(site: Installation, name: str) -> None:
    site.run(f"grant select on {name} to {BI} with grant option")
    site.run(f"set role {BI}; grant select on {name} to {BI_TOO}; reset role")
    site.run(f"grant select (text_version_id) on {name} to {BI_TOO}" if "text_v" in name else "")
    site.run(f"comment on column {name}.{column(site, name)} is 'Of the host: {name}'")


def column(site: Installation, name: str, number: int = 1) -> str:
    return site.value(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum = %s",
        name,
        number,
    )


def tunings(site: Installation) -> list[tuple[Any, ...]]:
    """Return what the host made for plans of ours to be better."""
    return site.rows(
        "select pg_get_indexdef(oid) from pg_class where relname like 'of\\_mv%%' and relkind = 'i'"
        " union all select pg_get_statisticsobjdef(oid) from pg_statistic_ext"
        " where stxname like 'about\\_mv%%'"
        " union all select c.relname || '.' || a.attname || ' ' || a.attstattarget"
        " from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where c.relkind = 'm' and a.attstattarget >= 0 and a.attnum > 0 order by 1"
    )


def known(site: Installation) -> list[tuple[Any, ...]]:
    """Return what others hold or have written, and what they made."""
    return site.rows(
        "select c.relname, null, r.rolname, g.privilege_type, g.is_grantable"
        " from pg_class c, aclexplode(c.relacl) g join pg_roles r on r.oid = g.grantee"
        " where c.relnamespace = 'public'::regnamespace and r.rolname like 'bp_test_bi%%'"
        " union all select c.relname, a.attname, r.rolname, g.privilege_type, g.is_grantable"
        " from pg_class c join pg_attribute a on a.attrelid = c.oid, aclexplode(a.attacl) g"
        " join pg_roles r on r.oid = g.grantee where r.rolname like 'bp_test_bi%%'"
        " union all select c.relname, a.attname, d.description, null, null"
        " from pg_class c join pg_description d on d.objoid = c.oid and d.classoid = 1259"
        " left join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid"
        " and d.objsubid > 0 where d.description like 'Of the host%%'"
        " order by 1, 2, 3, 4"
    )


def identities(site: Installation, names: list[str]) -> list[tuple[Any, ...]]:
    return site.rows(
        "select relname, oid, reltype, relowner, 'security_barrier=true' = any(reloptions),"
        " (select count(*) from pg_rewrite r where r.ev_class = c.oid)"
        " from pg_class c where relname = any(%s) and relnamespace = 'public'::regnamespace"
        " order by 1",
        names,
    )


def by_install(connection: Connection[Any], step: int) -> object:
    return install.install(connection)


def by_export(connection: Connection[Any], step: int) -> object:
    return connection.execute(export.render(step=step).encode())


def by_a_move(connection: Connection[Any], step: int) -> object:
    install.install(connection)
    return rollout.move(connection, step % 3 + 3)


@pytest.mark.parametrize(
    ("release", "step", "upgrade"),
    [
        *((KEPT[0][0], step, by_install) for step in schema.STEPS),
        (KEPT[0][0], schema.INCREMENTAL, by_export),
        (None, schema.INCREMENTAL, by_install),
        (None, schema.VIEWS, by_export),
    ],
)
@pytest.mark.usefixtures("roles")
def test_what_is_of_the_host_on_views_of_the_contract_stays(
    empty_database: str, release: str | None, step: int, upgrade: Upgrade
) -> None:
    with at(empty_database, release, step) as site:
        views = relations(site, "v")
        for name in views:
            grant_and_comment(site, name)
            for statement in (*BUILT, *ON_VIEWS):
                site.run(statement.format(name))
            site.run(f"comment on view {name} is 'Of the host'")
        before = known(site), identities(site, views)
        built = site.rows(
            "select viewname, definition from pg_views where viewname like 'on_%%' order by 1"
        )
        upgrade(site.connection, step)
        assert (known(site), identities(site, views)) == before
        now = site.rows(
            "select viewname, definition from pg_views where viewname like 'on_%%' order by 1"
        )
        assert now == built
        for name in views:
            # A column that came stands behind those that the host's view was made of.
            on_it = site.rows(f"select * from on_{name} as v order by v")
            now_there = site.rows(f"select * from {name} as v order by v")
            assert on_it == [row[: len(old)] for row, old in zip(now_there, on_it, strict=True)]


@pytest.mark.parametrize(
    ("release", "step", "upgrade"),
    [
        (KEPT[0][0], schema.VERSE_MATVIEWS, by_install),
        (KEPT[0][0], schema.TRIGGERS, by_install),
        (KEPT[0][0], schema.TRIGGERS, by_export),
        (KEPT[0][0], schema.TRIGGERS, by_a_move),
        (None, schema.INCREMENTAL - 2, by_install),
    ],
)
@pytest.mark.usefixtures("roles")
def test_what_others_hold_on_materialized_views_is_carried_over(
    empty_database: str, release: str | None, step: int, upgrade: Upgrade
) -> None:
    with at(empty_database, release, step) as site:
        stored = relations(site, "m")
        for name in stored:
            grant_and_comment(site, name)
            site.run(f"comment on materialized view {name} is 'Of the host'")
            first, second = column(site, name), column(site, name, 2)
            site.run(f"create index of_{name} on {name} ({second})")
            site.run(f"create statistics about_{name} on {first}, {second} from {name}")
            site.run(f"alter materialized view {name} alter column {second} set statistics 500")
        before, tuned = known(site), tunings(site)
        assert len(tuned) == 3 * len(stored)
        upgrade(site.connection, step)
        # Made anew they are granted by their owner.
        assert known(site) == before
        if relations(site, "m") == stored:
            assert tunings(site) == tuned
        refresh(site, rollout.current(site.connection).number)
        oracle.assert_same(site.connection)


@pytest.mark.usefixtures("roles")
def test_materialized_views_that_did_not_change_are_left_alone(empty_database: str) -> None:
    with at(empty_database, None, schema.TRIGGERS) as site:
        site.run(f"create view theirs as select * from {VERSES}")
        names = relations(site, "m")
        query = "select relname, oid, relfilenode from pg_class where relname = any(%s) order by 1"
        before = site.rows(query, names)
        install.install(site.connection)
        assert site.rows(query, names) == before
        assert site.rows("select * from theirs")


@pytest.mark.usefixtures("roles")
def test_what_the_host_made_of_a_materialized_view_that_changes_is_named_before(
    empty_database: str,
) -> None:
    with at(empty_database, "0.1.0-main", schema.TRIGGERS) as site:
        site.run(f"create view theirs as select * from {VERSES}")
        words = f"view public.theirs depends on materialized view public.{VERSES}"
        for action in (install.make_plan, install.install, by_export):
            with pytest.raises((InstallRefused, psycopg.Error), match=words):
                action(site.connection, *([schema.TRIGGERS] if action is by_export else []))
        site.run("drop view theirs")
        assert VERSES in install.make_plan(site.connection).made_anew
        install.install(site.connection)
        assert site.rows(f"select * from {VERSES}")


@pytest.mark.parametrize(
    "function", ["exact_books('text', v.id)", "exact_chapters('text', v.id, 'gen')"]
)
@pytest.mark.usefixtures("roles")
def test_what_the_host_made_of_a_function_that_changes_is_named_before(
    empty_database: str, function: str
) -> None:
    made = f"select v.id, f.* from text_versions as v cross join lateral progress.{function} as f"
    with at(empty_database, "0.1.0-main", schema.INCREMENTAL) as site:
        site.run(f"create view theirs as {made}")
        name, _, _ = function.partition("(")
        words = rf"view public.theirs depends on function progress\.{name}\(text,uuid,"
        for action in (install.make_plan, install.install, by_export):
            with pytest.raises((InstallRefused, psycopg.Error), match=words):
                action(site.connection, *([schema.INCREMENTAL] if action is by_export else []))
        site.run("drop view theirs")
        install.install(site.connection)
        # The next upgrade leaves it where it is.
        site.run(f"create view theirs as {made}")
        install.install(site.connection)
        assert site.rows("select book_number from theirs")


@pytest.mark.parametrize("release", ["0.1.0-main", None])
@pytest.mark.usefixtures("roles")
def test_a_role_that_was_granted_a_view_reads_it_after_an_upgrade(
    empty_database: str, release: str | None
) -> None:
    with at(empty_database, release, schema.INCREMENTAL) as site:
        for table in schema.HOST_TABLES:
            site.run(f"grant select on {table} to {BI}")
        site.run(f"grant select on mv_{LIVE} to {BI}")
        install.install(site.connection)
        site.run(f"set role {BI}")
        assert len(site.rows(f"select * from mv_{LIVE}")) == 2
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            site.rows("select from mv_text_book_coverage")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            site.rows("select from progress.version_rollup")
        site.run("reset role")


@pytest.mark.usefixtures("roles")
def test_grants_on_what_is_not_the_contract_stay_too(empty_database: str) -> None:
    with at(empty_database, None, schema.INCREMENTAL) as site:
        site.run(f"grant usage on schema progress to {BI}")
        site.run(f"grant select on progress.version_history, progress.versions to {BI}")
        site.run(f"grant select on progress_refresh_queue to {BI}")
        site.run(f"grant execute on function progress.percent to {BI}")
        install.install(site.connection)
        site.run(f"grant select on text_versions, audio_versions to {BI}")
        site.run(f"set role {BI}")
        site.rows("select from progress.version_history, progress.versions, progress_refresh_queue")
        site.rows("select progress.percent(1, 2)")
        site.run("reset role")


def test_a_view_whose_column_has_another_type_on_the_host_by_now_is_made_anew(
    conn: Connection[Any],
) -> None:
    """As after `suspend`, which is what lets a host change it."""
    run = conn.execute
    run("create role bp_test_bi_three")
    run("drop view mv_text_book_coverage cascade")
    run(
        "create view mv_text_book_coverage as select null::uuid as text_version_id,"
        " null::varchar(9) as book_id, 1 as complete_chapters, 1 as total_chapters,"
        " true as is_complete"
    )
    run("grant select on mv_text_book_coverage to bp_test_bi_three")
    install.install(conn)
    row = run(
        "select pg_typeof(book_id)::text, has_table_privilege('bp_test_bi_three',"
        " 'mv_text_book_coverage', 'select') from (select null) as one"
        " left join mv_text_book_coverage on true limit 1"
    ).fetchone()
    assert row == ("text", True)


def test_every_comment_of_ours_is_known_as_ours(conn: Connection[Any]) -> None:
    for step in schema.STEPS:
        rollout.move(conn, step)
        unknown = conn.execute(
            sql.SQL(
                "select relname from pg_class where relname = any(%s)"
                " and relnamespace = 'public'::regnamespace"
                " and obj_description(oid, 'pg_class') !~ {}"
            ).format(sql.Literal(schema.OUR_COMMENTS)),
            [list(schema.contract_views())],
        ).fetchall()
        assert unknown == []
