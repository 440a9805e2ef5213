"""What a caller puts in front of the search path, or among its temporary objects, never runs.

Functions that run as their owner would run it with the owner's rights. Every test has a session of
its own: a function is compiled once a session, and must meet the hostile objects then.
"""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection, sql

from bible_progress.installing import install, schema
from support.builders import World
from support.oracle import assert_same, drain

INTRUDER = "bp_test_intruder"
TYPES = (
    "text", "varchar", "uuid", "int2", "int4", "int8", "numeric", "float8", "bool", "json",
    "jsonb", "timestamptz", "interval", "date", "xid8", "varbit", "name", "regclass",
)  # fmt: skip
# name: (arguments, what it returns); every one raises an error that says as whom it ran.
FUNCTIONS = {
    "now": ("", "timestamptz"),
    "clock_timestamp": ("", "timestamptz"),
    "statement_timestamp": ("", "timestamptz"),
    "random": ("", "float8"),
    "pg_current_xact_id": ("", "xid8"),
    "current_setting": ("text", "text"),
    "set_config": ("text, text, boolean", "text"),
    "format": ("text, variadic text[]", "text"),
    "btrim": ("text, text", "text"),
    "left": ("text, integer", "text"),
    "lower": ("text", "text"),
    "cardinality": ("anyarray", "integer"),
    "unnest": ("anyarray", "setof anyelement"),
    "array_fill": ("anyelement, integer[]", "anyarray"),
    "hashtextextended": ("text, bigint", "bigint"),
    "pg_try_advisory_xact_lock": ("bigint", "boolean"),
    "pg_try_advisory_xact_lock_shared": ("bigint", "boolean"),
    "to_regclass": ("text", "regclass"),
    "bit_count": ("bit", "bigint"),
    "to_json": ("anyelement", "json"),
    "json_build_object": ("variadic text[]", "json"),
    "jsonb_build_object": ("variadic text[]", "jsonb"),
}
OPERATORS = {
    "=": ("text, text", "uuid, uuid", "integer, integer", "bigint, bigint", "xid8, xid8"),
    "<>": ("text, text", "bigint, bigint", "integer, integer", "uuid, uuid"),
    "<": ("integer, integer", "bigint, bigint", "xid8, xid8", "timestamptz, timestamptz"),
    ">": ("integer, integer", "bigint, bigint", "timestamptz, timestamptz", "numeric, numeric"),
    "<=": ("integer, integer", "bigint, bigint", "xid8, xid8"),
    ">=": ("integer, integer", "bigint, bigint", "timestamptz, timestamptz"),
    "+": ("integer, integer", "bigint, bigint", "timestamptz, interval"),
    "-": ("integer, integer", "bigint, bigint", "timestamptz, timestamptz"),
    "||": ("text, text", "anyarray, anyarray", "jsonb, jsonb"),
    "->": ("jsonb, text", "json, integer"),
    "?": ("jsonb, text",),
}
_BODY = "begin raise exception 'ran as %', current_user using errcode = 'XX999'; end"


def lay_traps(connection: Connection[Any]) -> None:
    """Put our own objects, and those of pg_catalog, behind hostile ones of the same names."""
    run = connection.execute
    run("create schema evil")
    run(
        "create function evil.trap(anyelement) returns boolean language plpgsql as "  # type: ignore[arg-type]
        f"$$ {_BODY} $$"
    )
    for name, (arguments, returns) in FUNCTIONS.items():
        run(
            f"create function evil.{name}({arguments}) returns {returns} language plpgsql as"  # type: ignore[arg-type]
            f" $$ {_BODY} $$"
        )
    number = 0
    for operator, signatures in OPERATORS.items():
        for signature in signatures:
            number += 1
            one, two = signature.split(", ")
            name = f"evil.op_{number}"
            run(
                f"create function {name}({signature}) returns boolean language plpgsql as"  # type: ignore[arg-type]
                f" $$ {_BODY} $$"
            )
            run(
                f"create operator evil.{operator}"  # type: ignore[arg-type]
                f" (leftarg = {one}, rightarg = {two}, function = {name})"
            )
    for aggregate in ("count", "sum", "min", "max", "array_agg", "bool_or"):
        run(
            "create aggregate evil."  # type: ignore[arg-type]
            f"{aggregate}(integer) (sfunc = pg_catalog.int4pl, stype = integer)"
        )
    # In front of pg_catalog even where the path does not say so.
    for name in (
        *schema.HOST_TABLES,
        *schema.CONTRACT_TABLES,
        *schema.tables(),
        "new_rows",
        "old_rows",
        "pg_class",
        "pg_proc",
        "pg_settings",
    ):
        for place in ("pg_temp", "evil"):
            run(
                sql.SQL("create table {} (id int)").format(sql.Identifier(place, name))
                if place == "evil"
                else sql.SQL("create temp table {} (id int)").format(sql.Identifier(name))
            )
    for name in TYPES:
        for place in ("evil", "pg_temp"):
            run(f"create domain {place}.{name} as pg_catalog.{name} check (evil.trap(value))")  # type: ignore[arg-type]
    run("set search_path = evil, pg_temp, pg_catalog, public")


@pytest.fixture
def intruder(connect: Callable[..., Connection[Any]]) -> Iterator[Connection[Any]]:
    """A session of a role that writes content and reads the contract, its traps laid."""
    owner = connect()
    run = owner.execute
    run(sql.SQL("create role {}").format(sql.Identifier(INTRUDER)))
    try:
        install.install(owner, readers=[INTRUDER])
        run(f"grant all on all tables in schema public to {INTRUDER}")  # type: ignore[arg-type]
        run(f"revoke all on progress_refresh_queue, progress_refresh_dead_letter from {INTRUDER}")  # type: ignore[arg-type]
        database = owner.info.dbname
        run(
            sql.SQL("grant create on database {} to {}").format(
                sql.Identifier(database), sql.Identifier(INTRUDER)
            )
        )
        World(owner).canon()
        session = connect()
        session.execute(f"set role {INTRUDER}")  # type: ignore[arg-type]
        lay_traps(session)
        yield session
    finally:
        run(f"drop owned by {INTRUDER} cascade")  # type: ignore[arg-type]
        run(f"drop role {INTRUDER}")  # type: ignore[arg-type]


# After so many writes what is stored is compared with what is there.
_COMPARED = (6, 9, 17, 23)
WRITES = (
    "insert into public.language_entities (name) values ('L')",
    "insert into public.text_versions (language_entity_id, bible_version_id, name)"
    " select id, 'eng', 'A text' from public.language_entities",
    "insert into public.audio_versions (language_entity_id, bible_version_id, name)"
    " select id, 'eng', 'A recording' from public.language_entities",
    "insert into public.verse_texts (text_version_id, verse_id, verse_text)"
    " select t.id, v.id, 'Words.' from public.text_versions as t, public.verses as v",
    "insert into public.media_files (audio_version_id, chapter_id, upload_status, publish_status)"
    " select a.id, 'gen-1', 'completed', 'published' from public.audio_versions as a",
    "insert into public.media_files_verses (media_file_id, verse_id)"
    " select f.id, 'exod-1-1' from public.media_files as f",
    "update public.verse_texts set verse_text = ''",
    "update public.media_files_verses set verse_id = 'exod-1-2'",
    "update public.media_files set chapter_id = 'gen-2'",
    "update public.text_versions set deleted_at = pg_catalog.now()",
    "update public.text_versions set deleted_at = null",
    "insert into public.books (id, name, book_number, bible_version_id)"
    " values ('lev', 'Leviticus', 3, 'eng')",
    "update public.books set book_number = 4 where id operator(pg_catalog.=) 'lev'",
    "insert into public.chapters (id, chapter_number, book_id, total_verses)"
    " values ('lev-1', 1, 'lev', 1)",
    "insert into public.verses (id, verse_number, chapter_id) values ('lev-1-1', 1, 'lev-1')",
    "update public.verses set verse_number = 2 where id operator(pg_catalog.=) 'lev-1-1'",
    "update public.chapters set chapter_number = 2 where id operator(pg_catalog.=) 'lev-1'",
    "delete from public.verses where id operator(pg_catalog.=) 'lev-1-1'",
    "delete from public.books where id operator(pg_catalog.=) 'lev'",
    "delete from public.media_files_verses",
    "delete from public.media_files",
    "truncate public.verse_texts",
    "delete from public.audio_versions",
)


def test_writes_meet_no_trap_and_are_counted(intruder: Connection[Any], database: str) -> None:
    with psycopg.connect(database, autocommit=True) as owner:
        for number, write in enumerate(WRITES, start=1):
            intruder.execute(write)  # type: ignore[arg-type]
            if number in _COMPARED:
                drain(owner)
                assert_same(owner)


def test_clients_meet_no_trap(intruder: Connection[Any], database: str) -> None:
    """Clean, dirty, and with everything that the documents are made of."""
    intruder.execute("set search_path = public")
    with psycopg.connect(database, autocommit=True) as owner:
        for write in WRITES[:6]:
            owner.execute(write)  # type: ignore[arg-type]
        ids: dict[str, UUID] = {}
        for kind in ("text", "audio"):
            row = owner.execute(f"select id from {kind}_versions").fetchone()  # type: ignore[arg-type]
            assert row is not None
            ids[kind] = row[0]
        row = owner.execute("select id from language_entities").fetchone()
        assert row is not None
        language = row[0]
        for is_drained in (False, True):
            if is_drained:
                drain(owner)
            # Anew, so that nothing is compiled yet.
            with psycopg.connect(database, autocommit=True) as session:
                session.execute(f"set role {INTRUDER}")  # type: ignore[arg-type]
                session.execute("drop schema evil cascade")
                lay_traps(session)
                for kind, id_ in ids.items():
                    assert one(session, "public.progress_tree(%s, %s)", kind, id_)
                    assert one(session, "public.progress_gaps(%s, %s)", kind, id_)
                assert one(
                    session, "public.progress_compare(%s, %s)", list(ids), list(ids.values())
                )
                assert one(session, "public.progress_best_versions(%s, true)", language)


def one(connection: Connection[Any], call: str, *parameters: object) -> Any:
    row = connection.execute(f"select {call}", parameters).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


def test_an_installation_meets_no_trap(empty_database: str) -> None:
    """Nor does anything that it makes go through one later."""
    with psycopg.connect(empty_database, autocommit=True) as owner:
        lay_traps(owner)
        install.install(owner)
        owner.execute("set search_path = pg_catalog, pg_temp")
        caught = owner.execute(
            "with evil as (select 'pg_proc'::regclass as classid, oid from pg_proc"
            " where pronamespace = 'evil'::regnamespace"
            " union all select 'pg_operator'::regclass, oid from pg_operator"
            " where oprnamespace = 'evil'::regnamespace"
            " union all select 'pg_type'::regclass, oid from pg_type"
            " where typnamespace = 'evil'::regnamespace)"
            " select distinct pg_describe_object(d.classid, d.objid, 0) from pg_depend d"
            " join evil e on d.refclassid = e.classid and d.refobjid = e.oid"
            " where d.deptype = 'n' and not exists (select from evil o"
            " where o.classid = d.classid and o.oid = d.objid)"
            " and d.classid in ('pg_rewrite'::regclass, 'pg_attrdef'::regclass)"
        ).fetchall()
        assert caught == []


def test_a_drain_of_a_lesser_role_meets_no_trap(intruder: Connection[Any], database: str) -> None:
    """It runs as the owner, whatever the session that asks for it has in its path."""
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(
            f"grant usage on schema progress to {INTRUDER}"  # type: ignore[arg-type]
        )
        owner.execute(f"grant execute on all routines in schema progress to {INTRUDER}")  # type: ignore[arg-type]
        owner.execute(f"grant execute on function progress_refresh to {INTRUDER}")  # type: ignore[arg-type]
        for write in WRITES[:6]:
            owner.execute(write)  # type: ignore[arg-type]
        assert one(intruder, "public.progress_refresh(20, '0')")["drained"] > 0
        for call in (
            "progress.warm_up()",
            "progress.current_status()",
            "progress.failures(9::pg_catalog.int4)",
            "progress.waiting_versions(9::pg_catalog.int4)",
            "progress.dead_letters()",
            "progress.version_list()",
            "progress.language_list()",
            "progress.version_states()",
            "progress.overview(9::pg_catalog.int4)",
            "progress.wrong_totals()",
            "progress.signal_all('text')",
            "progress.due_versions(9::pg_catalog.int4)",
        ):
            intruder.execute(f"select {call}")  # type: ignore[arg-type]
        for kind in ("text", "audio"):
            row = owner.execute(f"select id from {kind}_versions").fetchone()  # type: ignore[arg-type]
            assert row is not None
            for function in ("drain_version", "drift", "repair", "book_list", "chapter_list"):
                intruder.execute(f"select progress.{function}(%s, %s)", [kind, row[0]])  # type: ignore[arg-type]
        drain(owner)
        assert_same(owner)
