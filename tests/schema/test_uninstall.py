"""Uninstall: the database as it was before, the host's data and objects untouched."""

from typing import Any

import pytest
from catalog import assert_same_catalog, catalog
from psycopg import Connection

from bible_progress.errors import InstallRefused
from bible_progress.installing import install, schema, uninstall
from support.builders import World
from support.oracle import drain


def test_a_host_is_as_it_was_before(host_connection: Connection[Any]) -> None:
    before = catalog(host_connection)
    world = World(host_connection)
    world.canon()
    world.text(world.text_version(), ["gen-1-1"])
    install.install(host_connection)
    drain(host_connection)
    removal = uninstall.uninstall(host_connection)
    assert_same_catalog(catalog(host_connection), before)
    assert host_connection.execute("select verse_id from verse_texts").fetchall() == [("gen-1-1",)]
    assert any("which were there before" in line for line in removal.kept)


def test_an_empty_database_is_empty_again(empty_connection: Connection[Any]) -> None:
    before = catalog(empty_connection)
    install.install(empty_connection)
    removal = uninstall.uninstall(empty_connection)
    assert_same_catalog(catalog(empty_connection), before)
    assert removal.kept == ()


@pytest.mark.parametrize(
    "row",
    [
        "insert into users default values",
        "insert into bible_versions (id, name) values ('eng', 'English')",
        "insert into language_entities (name) values ('English')",
        "insert into media_files default values",
    ],
)
def test_host_tables_that_install_made_stay_while_they_hold_anything(
    empty_connection: Connection[Any], host_connection: Connection[Any], row: str
) -> None:
    install.install(empty_connection)
    empty_connection.execute(row)  # type: ignore[arg-type]
    removal = uninstall.uninstall(empty_connection)
    assert_same_catalog(catalog(empty_connection), catalog(host_connection))
    assert any("which hold data" in line for line in removal.kept)


def test_a_database_without_bible_progress_is_left_alone(
    host_connection: Connection[Any],
) -> None:
    before = catalog(host_connection)
    removal = uninstall.uninstall(host_connection)
    assert removal == uninstall.Removal(removed=(), kept=())
    assert_same_catalog(catalog(host_connection), before)


def test_what_install_made_can_be_installed_again(conn: Connection[Any]) -> None:
    before = catalog(conn)
    uninstall.uninstall(conn)
    install.install(conn)
    assert_same_catalog(catalog(conn), before)


# Things of the host that lean on ours without a view of ours in between, or live in our schema.
HOST_OBJECTS = {
    "a view of a rollup": "create view theirs as select * from progress.version_rollup",
    "a view of the queue": "create view theirs as select * from progress_refresh_queue",
    "a view with a function of ours": "create view theirs as select progress.fraction(1, 2)",
    "a view with a relationship of ours": (
        "create view theirs as"
        " select (mv_text_version_progress_summary(v)).covered_verses from text_versions v"
    ),
    "a default with a function of ours": (
        "create table theirs (share numeric default progress.fraction(1, 2))"
    ),
    "a trigger with a function of ours": (
        "create table theirs (id uuid); create trigger theirs after truncate on theirs"
        " execute function progress.content_truncated('text')"
    ),
    "a foreign key to a rollup": (
        "create table theirs (kind text, version_id uuid,"
        " foreign key (kind, version_id) references progress.version_rollup)"
    ),
    "a table in our schema": "create table progress.theirs (id int)",
    "a function in our schema": "create function progress.theirs() returns int return 1",
    "a type in our schema": "create type progress.theirs as enum ('a')",
    "a sequence in our schema": "create sequence progress.theirs",
}


@pytest.mark.parametrize("case", HOST_OBJECTS)
def test_objects_of_the_host_do_not_go_with_ours(conn: Connection[Any], case: str) -> None:
    conn.execute(HOST_OBJECTS[case])  # type: ignore[arg-type]
    before = catalog(conn)
    with pytest.raises(InstallRefused) as refused:
        uninstall.uninstall(conn)
    assert "theirs" in str(refused.value)
    assert_same_catalog(catalog(conn), before)


def test_a_trigger_of_the_host_beside_ours_stays(host_connection: Connection[Any]) -> None:
    run = host_connection.execute
    run("create function theirs() returns trigger language plpgsql as 'begin return new; end'")
    run("create trigger theirs before insert on verse_texts for each row execute function theirs()")
    before = catalog(host_connection)
    install.install(host_connection)
    uninstall.uninstall(host_connection)
    assert_same_catalog(catalog(host_connection), before)


# Names of ours that a host has given to something else.
OVERLOADS = (
    "create function public.progress_tree(uuid) returns int language sql return 1",
    "create function public.progress_refresh(text) returns int language sql return 1",
    "create function public.mv_text_book_coverage(text) returns int language sql return 1",
    "create function public.signal(text) returns int language sql return 1",
    "create procedure public.progress_gaps(bigint) language sql as 'select 1'",
    "create table public.levels (id int)",
    "create view public.versions as select 1 as one",
    "create type public.status as enum ('a')",
    "create sequence public.worker",
    "create domain public.settings as text",
)


def test_what_the_host_calls_by_our_names_stays(host_connection: Connection[Any]) -> None:
    for statement in OVERLOADS:
        host_connection.execute(statement)  # type: ignore[arg-type]
    before = catalog(host_connection)
    install.install(host_connection)
    installed = catalog(host_connection)
    install.install(host_connection)
    assert_same_catalog(catalog(host_connection), installed)
    assert before < installed
    uninstall.uninstall(host_connection)
    assert_same_catalog(catalog(host_connection), before)


def test_every_function_of_ours_is_known_by_its_signature(conn: Connection[Any]) -> None:
    rows = conn.execute(
        "select format('%s.%s', n.nspname, p.oid::regprocedure) from pg_proc p"
        " join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'progress'"
        " union all select 'public.' || p.oid::regprocedure from pg_proc p"
        " where p.pronamespace = 'public'::regnamespace and p.proname like 'progress\\_%'"
    ).fetchall()
    known = conn.execute(
        "select n.nspname || '.' || p.oid::regprocedure::text"
        " from unnest(%s::text[]) s join pg_proc p on p.oid = to_regprocedure(s)"
        " join pg_namespace n on n.oid = p.pronamespace",
        [list(schema.signatures())],
    ).fetchall()
    assert sorted(rows) == sorted(known)
