"""A host as Supabase sets one up: its API roles, its default privileges, row security everywhere.

Roles belong to a whole server, so it is one of these tests' own, also where DATABASE_URL names one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import Connection, sql

from bible_progress import sql as our_sql
from bible_progress.embedded.server import EmbeddedPostgres
from bible_progress.installing import install
from postgrest.rest import postgrest
from postgrest.site import Site
from support import oracle
from support.builders import World

_ROLES = """
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit;
grant anon, authenticated, service_role to authenticator;
alter role anon set statement_timeout = '3s';
-- Less than the eight seconds that it would inherit.
alter role service_role set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
-- No superuser, as the role that owns a project's tables.
create role host login createrole bypassrls;
"""
_DEFAULT_PRIVILEGES = """
grant usage on schema public to anon, authenticated, service_role;
alter default privileges in schema public
grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public
grant all on functions to anon, authenticated, service_role;
alter default privileges in schema public
grant all on sequences to anon, authenticated, service_role;
"""
# Everybody sees everything but the hidden versions, which their owner sees; who has signed in edits.
_ROW_SECURITY = """
do $$
declare
    v_table text;
begin
    for v_table in
        select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
    loop
        execute format('alter table %I enable row level security', v_table);
        execute format('create policy added on %I for insert to authenticated with check (true)',
            v_table);
        execute format('create policy changed on %I for update to authenticated using (true)',
            v_table);
        execute format('create policy shown on %I for select using (%s)', v_table,
            case when v_table in ('audio_versions', 'text_versions')
            then $policy$
                name not like 'Hidden %'
                or created_by::text = current_setting('request.jwt.claims', true)::json ->> 'sub'
            $policy$ else 'true' end);
    end loop;
end
$$;
"""


@pytest.fixture(scope="session")
def cluster() -> Iterator[EmbeddedPostgres]:
    """A server with the roles of Supabase."""
    with EmbeddedPostgres(durable=False, settings={"jit": "off"}) as server:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute(_ROLES)
        yield server


@pytest.fixture(scope="session")
def new_host(cluster: EmbeddedPostgres) -> Callable[[], str]:
    """Makes databases with host tables, row security and nothing of ours; gives their URLs."""

    def make() -> str:
        name = f"bp_rest_{uuid4().hex[:12]}"
        with psycopg.connect(cluster.url, autocommit=True) as admin:
            admin.execute(sql.SQL("create database {} owner host").format(sql.Identifier(name)))
        url = cluster.url_for(name).replace("postgres@", "host@")
        with psycopg.connect(url, autocommit=True) as host:
            host.execute(_DEFAULT_PRIVILEGES)
            host.execute(our_sql.read("host/host_tables.sql"))
            host.execute(_ROW_SECURITY)
        return url

    return make


@pytest.fixture(scope="session")
def site(new_host: Callable[[], str]) -> Iterator[Site]:
    """A site that tests only read."""
    yield from _site(new_host())


@pytest.fixture
def own_site(new_host: Callable[[], str]) -> Iterator[Site]:
    """A site of this test's own."""
    yield from _site(new_host())


def _site(url: str) -> Iterator[Site]:
    with psycopg.connect(url, autocommit=True) as connection:
        install.install(connection)
        owner, languages, versions = _fill(connection)
        with postgrest(url) as rest:
            yield Site(
                url=url,
                connection=connection,
                rest=rest,
                owner=owner,
                languages=languages,
                versions=versions,
            )


def _fill(connection: Connection[Any]) -> tuple[UUID, dict[str, UUID], dict[str, UUID]]:
    """Make versions of every state; the hidden ones are whole, and so the best of all."""
    world = World(connection)
    world.canon()
    [(owner,)] = connection.execute("insert into users default values returning id").fetchall()
    languages = {name: world.language(name) for name in ("English", "Swahili")}
    english, swahili = languages.values()
    verses = [verse for (verse,) in connection.execute("select id from verses").fetchall()]
    versions = {
        name: world.text_version("eng", language, name)
        for name, language in {
            "Fuller": english,
            "Begun": english,
            "Deleted": english,
            "Hidden text": english,
            "Other": swahili,
            "Empty": swahili,
        }.items()
    }
    world.text(versions["Fuller"], [verse for verse in verses if verse.startswith("gen-")])
    world.text(versions["Other"], ["exod-1-1"])
    world.text(versions["Begun"], ["gen-1-1", "gen-1-2", "gen-1-3", "exod-2-1"])
    world.text(versions["Deleted"], verses)
    world.text(versions["Hidden text"], verses)
    versions |= {
        name: world.audio_version("eng", language, name)
        for name, language in {
            "Recorded": english,
            "Hidden recording": english,
            "First recordings": swahili,
        }.items()
    }
    world.recording(versions["Recorded"], chapter="gen-1")
    world.recording(versions["Recorded"], start="gen-2-2", end="exod-1-2")
    world.recording(versions["Hidden recording"], start="gen-1-1", end="exod-2-2")
    world.recording(versions["First recordings"], start="exod-2-1")
    connection.execute("update text_versions set deleted_at = now() where name = 'Deleted'")
    for table in ("audio_versions", "text_versions"):
        connection.execute(
            sql.SQL("update {} set created_by = %s where name like 'Hidden %%'").format(
                sql.Identifier(table)
            ),
            [owner],
        )
    oracle.drain(connection)
    oracle.assert_same(connection)
    return owner, languages, versions
