"""The host tables that install makes stay closed to an API until their owner lets clients in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from bible_progress.errors import InstallRefused
from bible_progress.installing import doctor, export, install
from bible_progress.installing.schema import CONTRACT_TABLES, HOST_TABLES, contract_views
from security.supabase import API_ROLES, acting_as, prepare
from support.builders import World
from support.oracle import drain

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "supabase.md"
USES = {
    "select": "select from {}",
    "insert": "insert into {} default values",
    "update": "update {0} set {1} = {1}",
    "delete": "delete from {}",
    "truncate": "truncate {} cascade",
}


@pytest.fixture
def empty(roles_server: str) -> Iterator[Connection[Any]]:
    """An empty project whose default privileges give the API everything."""
    name = f"bp_empty_{uuid4().hex[:12]}"
    with psycopg.connect(roles_server, autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template template0 encoding 'UTF8' locale 'C'").format(
                sql.Identifier(name)
            )
        )
        url = make_conninfo(roles_server, dbname=name)
        with psycopg.connect(url, autocommit=True) as connection:
            prepare(connection)
            yield connection
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def allowed(connection: Connection[Any], role: str) -> set[str]:
    """Return which uses of which tables of ours a role of the API is not refused."""
    found: set[str] = set()
    for table in (*HOST_TABLES, *CONTRACT_TABLES):
        for use, statement in USES.items():
            try:
                with acting_as(connection, role):
                    column = "kind" if table in CONTRACT_TABLES else "id"
                    connection.execute(
                        sql.SQL(statement).format(sql.Identifier(table), sql.Identifier(column))  # type: ignore[arg-type]
                    )
                    raise psycopg.Rollback
            except psycopg.errors.InsufficientPrivilege:
                continue
            except psycopg.Error:
                pass
            found.add(f"{use} {table}")
    return found


@pytest.mark.parametrize("how", ["install", "export", "views"])
def test_on_an_empty_project_nobody_uses_a_table_that_was_made(
    empty: Connection[Any], how: str
) -> None:
    if how == "export":
        with empty.transaction():
            empty.execute(export.render().encode())
    else:
        plan = install.install(empty, strategy="views" if how == "views" else None)
        assert set(plan.kept_out) == set(API_ROLES)
        assert any("closed to anon, authenticated, service_role" in line for line in plan.steps())
    for role in API_ROLES:
        assert allowed(empty, role) == set()
    open_tables = empty.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind = 'r' and not relrowsecurity and relname <> 'membership'"
    )
    assert open_tables.fetchall() == []
    assert "open_host_tables" not in {f.check.name for f in doctor.examine(empty).findings}
    # Later installs close nothing that the owner has opened meanwhile.
    empty.execute("grant select on verses to anon; create policy all_see on verses using (true)")
    install.install(empty)
    assert allowed(empty, "anon") == {"select verses"}


def test_where_materialized_views_would_show_what_is_closed_they_are_refused(
    empty: Connection[Any],
) -> None:
    with pytest.raises(InstallRefused, match="materialized views would show every version to anon"):
        install.install(empty, strategy="matview")
    with (
        pytest.raises(psycopg.Error, match="would show every version to anon"),
        empty.transaction(),
    ):
        empty.execute(export.render(strategy="matview").encode())


def test_a_database_that_was_installed_open_is_told_and_the_statements_close_it(
    empty: Connection[Any],
) -> None:
    install.install(empty)
    for table in HOST_TABLES:
        empty.execute(
            sql.SQL("alter table {0} disable row level security; grant all on {0} to {1}").format(
                sql.Identifier(table), sql.SQL("anon, authenticated, service_role")
            )
        )
    [found] = [
        f for f in doctor.examine(empty, shown=50).findings if f.check.name == "open_host_tables"
    ]
    assert found.check.severity == "error"
    assert found.how_many == len(HOST_TABLES)
    # It is no reason to stay on an older version.
    install.install(empty)
    for statement in found.statements:
        empty.execute(statement)  # type: ignore[arg-type]
    assert allowed(empty, "anon") == allowed(empty, "authenticated") == set()
    assert "open_host_tables" not in {f.check.name for f in doctor.examine(empty).findings}


def test_the_policies_of_the_guide_let_clients_read_and_makers_write(
    empty: Connection[Any],
) -> None:
    install.install(empty)
    empty.execute(
        "create schema auth; create function auth.uid() returns uuid language sql stable as"
        " $$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb"
        " ->> 'sub')::uuid $$; grant usage on schema auth to anon, authenticated"
    )
    world = World(empty)
    world.canon()
    maker, other = uuid4(), uuid4()
    empty.execute("insert into users values (%s), (%s)", [maker, other])
    version = world.text_version()
    empty.execute("update text_versions set created_by = %s", [maker])
    world.text(version, ["gen-1-1", "gen-1-2"])
    world.recording(world.audio_version(), chapter="gen-1")
    drain(empty)
    for relation in contract_views():
        with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(empty, "anon"):
            empty.execute(sql.SQL("select from {}").format(sql.Identifier(relation)))
    section = GUIDE.read_text(encoding="utf-8").partition("## 5. Let clients in")[2]
    statements = re.findall(r"```sql\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    assert len(statements) == 2
    for statement in statements:
        empty.execute(statement)  # type: ignore[arg-type]
    for relation in contract_views():
        query = sql.SQL("select count(*) from {}").format(sql.Identifier(relation))
        with acting_as(empty, "anon"):
            seen = empty.execute(query).fetchone()
        assert seen == empty.execute(query).fetchone(), relation
        assert seen != (0,), relation
    assert {use for use in allowed(empty, "anon") if "select" not in use} == set()

    def write(role: str, user: UUID | None, verse: str) -> int:
        with acting_as(empty, role, user):
            return empty.execute(
                "insert into verse_texts (text_version_id, verse_id, verse_text)"
                " values (%s, %s, 'Words.')",
                [version, verse],
            ).rowcount

    assert write("authenticated", maker, "gen-2-1") == 1
    for role, user in (("authenticated", other), ("anon", None)):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            write(role, user, "gen-2-2")
    with acting_as(empty, "authenticated", other):
        assert empty.execute("update verse_texts set verse_text = 'x'").rowcount == 0
        assert empty.execute("delete from verse_texts").rowcount == 0
    drain(empty)
    with acting_as(empty, "anon"):
        covered = empty.execute("select covered_verses from mv_text_version_progress_summary")
        assert covered.fetchall() == [(3,)]
