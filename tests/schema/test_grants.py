"""Who may do what: readers the contract, under their own row security; everybody else nothing."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from contract import CONTRACT
from psycopg import Connection, sql

from bible_progress import sql as files
from bible_progress.installing import install, schema
from bible_progress.installing.schema import GUARDED
from support.builders import World
from support.oracle import drain

RELATIONS = [prefix + relation for prefix in ("", "mv_") for relation in CONTRACT]
READER = "bp_test_reader"
STRANGER = "bp_test_stranger"


@contextmanager
def acting_as(connection: Connection[Any], role: str) -> Iterator[None]:
    """Run the block as another role; an error inside undoes the block only."""
    with connection.transaction():
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
        yield
        connection.execute("reset role")


@pytest.fixture
def reader(conn: Connection[Any]) -> Connection[Any]:
    """An installed database with a reader role, a stranger and a version of each kind."""
    conn.execute(f"create role {READER}")
    conn.execute(f"create role {STRANGER}")
    for table in schema.HOST_TABLES:
        conn.execute(f"grant select on {table} to {READER}, {STRANGER}")  # type: ignore[arg-type]
    install.install(conn, readers=[READER])
    world = World(conn)
    world.canon()
    language = world.language()
    world.text(world.text_version("eng", language), ["gen-1-1"])
    world.recording(world.audio_version("eng", language), chapter="gen-1")
    conn.execute("delete from progress.unsettled_change")
    drain(conn)
    return conn


def count(connection: Connection[Any], relation: str) -> int:
    row = connection.execute(f"select count(*) from {relation}").fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


def test_a_reader_sees_every_relation_of_the_contract(reader: Connection[Any]) -> None:
    expected = {relation: count(reader, relation) for relation in RELATIONS}
    assert min(expected.values()) > 0
    with acting_as(reader, READER):
        assert {relation: count(reader, relation) for relation in RELATIONS} == expected


def test_a_reader_may_filter_and_join_as_clients_do(reader: Connection[Any]) -> None:
    with acting_as(reader, READER):
        rows = reader.execute(
            "select s.verse_fraction > 0, c.is_complete from mv_audio_version_progress_summary s"
            " join mv_audio_chapter_coverage c using (audio_version_id)"
            " where c.chapter_id = 'gen-1'"
        ).fetchall()
    assert rows == [(True, True)]


def test_versions_that_row_security_hides_stay_hidden(reader: Connection[Any]) -> None:
    hidden = set(hide_one(reader))
    for relation in RELATIONS:
        columns = CONTRACT[relation.removeprefix("mv_")]
        key = next(column for column in columns if "version" in column)
        statement = f"select distinct {key} from {relation}"
        everyone = {row[0] for row in reader.execute(statement)}  # type: ignore[arg-type]
        assert hidden & everyone, f"{relation} has no row to hide"
        with acting_as(reader, READER):
            seen = {row[0] for row in reader.execute(statement)}  # type: ignore[arg-type]
        assert not hidden & seen, f"{relation} shows it"
        assert seen, f"{relation} hides the others too"


def test_where_the_best_version_is_hidden_the_best_of_the_others_shows(
    reader: Connection[Any],
) -> None:
    hide_one(reader)
    for kind in ("text", "audio"):
        for prefix in ("", "mv_"):
            with acting_as(reader, READER):
                rows = reader.execute(
                    f"select v.name from {prefix}language_entity_best_{kind}_version b"  # type: ignore[arg-type]
                    f" join {kind}_versions v on v.id = b.{kind}_version_id"
                ).fetchall()
            assert rows == [("A text" if kind == "text" else "A recording",)]


def hide_one(connection: Connection[Any]) -> list[UUID]:
    """Add a fuller version of each kind that its policy hides from everybody."""
    world = World(connection)
    row = connection.execute("select id from language_entities").fetchone()
    assert row is not None
    text = world.text_version("eng", row[0], name="Hidden")
    world.text(text, ["gen-1-1", "gen-1-2"])
    audio = world.audio_version("eng", row[0], name="Hidden")
    world.recording(audio, start="gen-1-1", end="exod-2-2")
    drain(connection)
    for kind in ("text", "audio"):
        connection.execute(f"alter table {kind}_versions enable row level security")  # type: ignore[arg-type]
        connection.execute(
            f"create policy shown on {kind}_versions for select using (name <> 'Hidden')"  # type: ignore[arg-type]
        )
    return [text, audio]


@pytest.mark.parametrize("write", ["insert into {} default values", "delete from {}"])
def test_a_reader_cannot_write_to_the_contract(reader: Connection[Any], write: str) -> None:
    for relation in RELATIONS:
        with pytest.raises(psycopg.Error) as refused, acting_as(reader, READER):
            reader.execute(write.format(relation))  # type: ignore[arg-type]
        # A view that cannot be written to at all says so before rights are asked.
        assert refused.value.sqlstate in ("42501", "55000"), relation


def test_a_reader_has_no_right_but_select_on_anything_of_ours(reader: Connection[Any]) -> None:
    rows = reader.execute(
        "select c.oid::regclass::text, a.privilege_type from pg_class c, aclexplode(c.relacl) a"
        " where a.grantee = %s::regrole and a.privilege_type <> 'SELECT'",
        [READER],
    ).fetchall()
    assert rows == []


def test_a_reader_reads_nothing_in_schema_progress_by_name(reader: Connection[Any]) -> None:
    relations = reader.execute(
        "select oid::regclass::text from pg_class where relkind in ('r', 'v', 'S')"
        " and relnamespace = 'progress'::regnamespace"
    ).fetchall()
    assert len(relations) > 20
    for (relation,) in relations:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(reader, READER):
            count(reader, relation)


@pytest.mark.parametrize("role", [READER, STRANGER])
def test_nobody_else_touches_queue_or_dead_letters(reader: Connection[Any], role: str) -> None:
    for table in schema.CONTRACT_TABLES:
        for statement in (f"select from {table}", f"delete from {table}", f"truncate {table}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(reader, role):
                reader.execute(statement)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", [READER, STRANGER])
def test_nobody_else_calls_our_functions(reader: Connection[Any], role: str) -> None:
    calls = reader.execute(
        "select format('%s progress.%I(%s)', case prokind when 'p' then 'call' else 'select' end,"
        " proname, (select string_agg('null::' || t::regtype, ', ' order by o)"
        " from unnest(proargtypes) with ordinality as a (t, o)))"
        " from pg_proc where pronamespace = 'progress'::regnamespace"
        " and prorettype <> 'trigger'::regtype"
    ).fetchall()
    assert len(calls) > 20
    for (call,) in calls:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(reader, role):
            reader.execute(call)


def test_a_role_that_is_no_reader_sees_nothing(reader: Connection[Any]) -> None:
    for relation in RELATIONS:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(reader, STRANGER):
            count(reader, relation)


def test_the_public_has_no_right_on_anything_of_ours(reader: Connection[Any]) -> None:
    rows = reader.execute(
        "select p.oid::regprocedure::text, a.privilege_type from pg_proc p,"
        " aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        " where p.pronamespace = 'progress'::regnamespace and a.grantee = 0"
        " union all"
        " select c.oid::regclass::text, a.privilege_type from pg_class c, aclexplode(c.relacl) a"
        " where a.grantee = 0 and (c.relnamespace = 'progress'::regnamespace"
        " or c.relname = any(%s))"
        " union all"
        " select n.nspname, a.privilege_type from pg_namespace n, aclexplode(n.nspacl) a"
        " where n.nspname = 'progress' and a.grantee = 0",
        [[*RELATIONS, *schema.CONTRACT_TABLES]],
    ).fetchall()
    assert rows == []


def test_default_privileges_of_the_host_do_not_open_our_objects(
    empty_connection: Connection[Any],
) -> None:
    """Supabase grants everything that is made in public to its API roles by default."""
    run = empty_connection.execute
    run(f"create role {READER}")
    run(f"alter default privileges in schema public grant all on tables to {READER}")
    run(f"alter default privileges in schema public grant all on functions to {READER}")
    run(f"alter default privileges in schema public grant all on sequences to {READER}")
    install.install(empty_connection, readers=[READER])
    rows = run(
        "select c.relname, array_agg(a.privilege_type) from pg_class c, aclexplode(c.relacl) a"
        " where a.grantee = %s::regrole and c.relkind <> 'S' and c.relname <> all(%s)"
        " group by c.relname",
        [READER, list(schema.HOST_TABLES)],
    ).fetchall()
    assert {name for name, _ in rows} >= set(RELATIONS)
    assert {name for name, _ in rows}.isdisjoint(schema.CONTRACT_TABLES)
    assert {tuple(privileges) for _, privileges in rows} == {("SELECT",)}


def test_a_reader_that_is_left_out_next_time_loses_the_contract(reader: Connection[Any]) -> None:
    install.install(reader, readers=[STRANGER])
    with acting_as(reader, STRANGER):
        assert count(reader, "mv_text_version_progress_summary") == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(reader, READER):
        count(reader, "mv_text_version_progress_summary")


def test_readers_are_kept_by_an_install_that_names_none(reader: Connection[Any]) -> None:
    install.install(reader)
    with acting_as(reader, READER):
        assert count(reader, "mv_text_version_progress_summary") == 1


def test_a_reader_with_a_name_that_needs_quotes_is_served(conn: Connection[Any]) -> None:
    conn.execute('create role "Bp-Test ""Reader"""')
    install.install(conn, readers=['Bp-Test "Reader"'])
    row = conn.execute(
        "select has_table_privilege('Bp-Test \"Reader\"', 'mv_text_book_coverage', 'select')"
    ).fetchone()
    assert row == (True,)


def test_tables_with_policies_are_those_that_an_install_locks(conn: Connection[Any]) -> None:
    rows = conn.execute("select tablename from pg_policies where schemaname = 'progress'")
    assert {name for (name,) in rows.fetchall()} == set(GUARDED)


def test_a_function_of_the_host_with_one_of_our_names_keeps_its_grants(
    reader: Connection[Any],
) -> None:
    run = reader.execute
    run("create function public.progress_gaps(x integer) returns integer language sql return x")
    run(f"grant execute on function public.progress_gaps(integer) to {STRANGER}")
    install.install(reader)
    for function, allowed in (("integer", True), ("text, uuid, integer, text", False)):
        row = run(
            "select has_function_privilege(%s, %s, 'execute')",
            [STRANGER, f"public.progress_gaps({function})"],
        ).fetchone()
        assert row == (allowed,)


def test_who_is_served_is_said_alike_by_the_grants_and_by_what_carries_them_over() -> None:
    grants = files.read("grants.sql")
    [listed] = re.findall(r"v_known constant text\[\] := array\[(.*?)\]", grants, re.DOTALL)
    assert tuple(re.findall(r"'(\w+)'", listed)) == schema.SERVED
