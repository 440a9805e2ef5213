"""What install refuses, naming every reason at once; each time the catalogue stays as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from catalog import assert_same_catalog, catalog
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from bible_progress import __version__
from bible_progress.errors import InstallRefused
from bible_progress.installing import checks, doctor, install, schema, uninstall
from oracle.checks import assert_right
from support.builders import World


@contextmanager
def refused(connection: Connection[Any], *words: str) -> Iterator[None]:
    """Assert that the block is refused for a reason with these words, and changes nothing."""
    before = catalog(connection)
    with pytest.raises(InstallRefused) as caught:
        yield
    for word in words:
        assert word in str(caught.value), str(caught.value)
    assert caught.value.hint
    assert_same_catalog(catalog(connection), before)


TAKEN = {
    "create table mv_text_book_coverage (id int)": "table public.mv_text_book_coverage",
    "create domain mv_text_chapter_coverage as text": "domain public.mv_text_chapter_coverage",
    "create type mv_audio_book_coverage as enum ()": "type public.mv_audio_book_coverage",
    "create type mv_audio_chapter_coverage as (id int)": "type public.mv_audio_chapter_coverage",
    "create materialized view mv_text_verse_coverage as select 1 as one": (
        "materialized view public.mv_text_verse_coverage"
    ),
    "create view audio_verse_coverage as select 1 as one": "view public.audio_verse_coverage",
    "create sequence language_entity_best_text_version": (
        "sequence public.language_entity_best_text_version"
    ),
    "create table progress_refresh_queue (id int)": "table public.progress_refresh_queue",
    "create view progress_refresh_dead_letter as select 1 as one": (
        "view public.progress_refresh_dead_letter"
    ),
    "create schema progress create table mine (id int)": "schema progress",
    "create schema progress; create function progress.mine() returns int return 1": (
        "schema progress"
    ),
    "create schema progress; create type progress.mine as enum ('a')": "schema progress",
}


@pytest.mark.parametrize("statement", TAKEN)
def test_names_that_are_taken(host_connection: Connection[Any], statement: str) -> None:
    host_connection.execute(statement)  # type: ignore[arg-type]
    with refused(host_connection, TAKEN[statement]):
        install.install(host_connection)


def test_all_names_that_are_taken_are_named_at_once(host_connection: Connection[Any]) -> None:
    relations = [s for s in TAKEN if "schema" not in s]
    for statement in relations:
        host_connection.execute(statement)  # type: ignore[arg-type]
    with refused(host_connection, *(TAKEN[statement] for statement in relations)):
        install.install(host_connection)


def test_a_function_where_a_relationship_goes(host_connection: Connection[Any]) -> None:
    host_connection.execute(
        "create function mv_text_book_coverage(text_versions) returns int return 1"
    )
    host_connection.execute("create function mv_text_book_coverage(users) returns int return 1")
    with refused(
        host_connection, "taken: function public.mv_text_book_coverage(public.text_versions)"
    ):
        install.install(host_connection)
    host_connection.execute("drop function mv_text_book_coverage(text_versions)")
    install.install(host_connection)


def test_a_trigger_of_the_host_with_a_name_of_ours(host_connection: Connection[Any]) -> None:
    """Create or replace would take it over without a word."""
    host_connection.execute(
        "create trigger progress_insert before insert on verse_texts"
        " for each row execute function suppress_redundant_updates_trigger()"
    )
    with refused(host_connection, "trigger progress_insert on public.verse_texts"):
        install.install(host_connection)


def test_materialized_views_where_row_security_decides_who_sees_versions(
    host_connection: Connection[Any],
) -> None:
    """They would show every version to every reader."""
    host_connection.execute("alter table audio_versions enable row level security")
    with refused(host_connection, "row security", "public.audio_versions"):
        install.install(host_connection, strategy="matview")
    install.install(host_connection, strategy="views")


def test_an_empty_schema_of_our_name_is_taken_over(host_connection: Connection[Any]) -> None:
    host_connection.execute("create schema progress")
    assert install.install(host_connection).installed_version is None


@pytest.mark.parametrize("change", ["table", "materialized view"])
def test_a_view_of_ours_that_became_something_else(conn: Connection[Any], change: str) -> None:
    conn.execute("drop view mv_text_book_coverage cascade")
    conn.execute(f"create {change} mv_text_book_coverage as select 1 as one")  # type: ignore[arg-type]
    with refused(conn, f"{change} public.mv_text_book_coverage"):
        install.install(conn)


def test_everything_that_is_missing_is_named_at_once(host_connection: Connection[Any]) -> None:
    run = host_connection.execute
    run("drop table media_files_verses")
    run("alter table verse_texts drop column deleted_at, drop column verse_text")
    run("alter table books rename column book_number to number")
    run("drop table users cascade")
    run("create table users (id text)")
    with refused(
        host_connection,
        "table public.media_files_verses is missing",
        "column public.verse_texts.deleted_at is missing",
        "column public.verse_texts.verse_text is missing",
        "column public.books.book_number is missing",
        "column public.users.id is text, not uuid",
    ):
        install.install(host_connection)


def test_a_database_with_one_table_of_these_names_is_no_empty_one(
    empty_connection: Connection[Any],
) -> None:
    empty_connection.execute("create table users (id bigint primary key)")
    with refused(
        empty_connection,
        "column public.users.id is bigint, not uuid",
        "table public.verse_texts is missing",
    ):
        install.install(empty_connection)


WRONG_TYPES = {
    "alter table verses alter verse_number type text": "public.verses.verse_number is text",
    "alter table verse_texts alter deleted_at type boolean using false": "deleted_at is boolean",
    "alter table text_versions alter created_at drop default,"
    " alter created_at type timestamp": "created_at is timestamp without time zone",
    "alter table media_files alter is_bible_audio drop default,"
    " alter is_bible_audio type text": "is_bible_audio is text, not boolean",
    "alter table media_files drop column upload_status, add upload_status int": (
        "upload_status is integer, not text or enum"
    ),
}


@pytest.mark.parametrize("statement", WRONG_TYPES)
def test_a_column_of_the_wrong_type(host_connection: Connection[Any], statement: str) -> None:
    host_connection.execute(statement)  # type: ignore[arg-type]
    with refused(host_connection, WRONG_TYPES[statement]):
        install.install(host_connection)


def test_a_host_table_that_is_a_view(host_connection: Connection[Any]) -> None:
    host_connection.execute("alter table users rename to people")
    host_connection.execute("create view users as select * from people")
    with refused(host_connection, "public.users is not a table"):
        install.install(host_connection)


@pytest.mark.parametrize(
    "related",
    [
        "create table more_texts () inherits (verse_texts)",
        "create table more_texts (like verse_texts); alter table verse_texts inherit more_texts",
    ],
    ids=["children", "a parent"],
)
def test_a_host_table_with(host_connection: Connection[Any], related: str) -> None:
    """The same with inheritance: rows are written that triggers of the table never see."""
    host_connection.execute(related)  # type: ignore[arg-type]
    with refused(host_connection, "verse_texts", "more_texts"):
        install.install(host_connection)


TIMINGS_UNIQUE = "media_files_verses_media_file_id_verse_id_key"
UNIQUE = "verse_texts_text_version_id_verse_id_key"
NOT_UNIQUE_ENOUGH = [
    "create index on verse_texts (text_version_id, verse_id)",
    "create unique index on verse_texts (text_version_id, verse_id, publish_status)",
    "create unique index on verse_texts (text_version_id, verse_id, lower(publish_status))",
    "create unique index on verse_texts (text_version_id, verse_id)"
    " where publish_status = 'published'",
    "create unique index on verse_texts (text_version_id) include (verse_id)",
]


@pytest.mark.parametrize("index", NOT_UNIQUE_ENOUGH)
def test_texts_that_may_be_there_twice(host_connection: Connection[Any], index: str) -> None:
    """Then a verse would count twice."""
    host_connection.execute(f"alter table verse_texts drop constraint {UNIQUE}")
    host_connection.execute(index)  # type: ignore[arg-type]
    with refused(host_connection, "public.verse_texts has no unique index", "verse_id"):
        install.install(host_connection)


@pytest.mark.parametrize(
    "index",
    [
        "create unique index on verse_texts (verse_id, text_version_id)",
        "create unique index on verse_texts (text_version_id, verse_id) where deleted_at is null",
        "create unique index on verse_texts (text_version_id, verse_id) include (verse_text)",
    ],
)
def test_other_unique_indexes_will_do(host_connection: Connection[Any], index: str) -> None:
    host_connection.execute(f"alter table verse_texts drop constraint {UNIQUE}")
    host_connection.execute(index)  # type: ignore[arg-type]
    install.install(host_connection)


# Conditions of a unique index that leave out only what never counts, and others.
TEXTS_THAT_COUNT = [
    "text_version_id is not null",
    "VERSE_ID IS NOT NULL",
    "verse_text is not null",
    "not (deleted_at is not null)",
    "text_version_id is distinct from null",
    "deleted_at is null and text_version_id is not null",
    "(verse_id is not null and (deleted_at is null and ((text_version_id is not null))))",
    "verse_text <> ''",
    "deleted_at is null and btrim(verse_text) <> '' and verse_text is not null",
    "trim(both from verse_text) <> ''",
    "length(verse_text) > 0",
    "char_length(btrim(verse_text)) >= 1",
    "octet_length(verse_text) > 0",
    "verse_text > ''",
    "not (verse_text = '')",
    "not (btrim(verse_text) = '') and deleted_at is null",
    "coalesce(verse_text, '') <> ''",
    "length(coalesce(verse_text, '')) > 0",
    "btrim(coalesce(verse_text, '')) <> ''",
    "nullif(verse_text, '') is not null",
    "nullif(btrim(verse_text), '') is not null and text_version_id is not null",
]
TEXTS_LEFT_OUT = [
    "publish_status = 'published'",
    "text_version_id is null",
    "not (text_version_id is not null)",
    "deleted_at is not null",
    "deleted_at is null or created_by is not null",
    "deleted_at is null and created_by is not null",
    "deleted_at is null and publish_status <> 'archived'",
    "text_version_id is not null and verse_id <> 'gen-1-1'",
    "length(verse_text) > 10",
    "length(verse_text) > 1",
    "verse_text <> 'x'",
    "verse_text = ''",
    "md5(verse_text) <> ''",
    "lower(verse_text) <> '' and deleted_at > '2020-01-01'",
    "(deleted_at is null) = false",
    "(deleted_at is null) is not true",
    "case when deleted_at is null then false else true end",
    "other_verse_text is not null",
    "not_deleted_at is null",
    "octet_length(verse_text) > 3",
    "verse_text > 'x'",
    "not (verse_text = 'x')",
    "not (publish_status = 'draft' or verse_text = '')",
    "not (verse_text <> '')",
    "coalesce(verse_text, '') = ''",
    "coalesce(other_verse_text, '') <> ''",
    "nullif(verse_text, 'x') is not null",
    "nullif(verse_text, '') is null",
    "nullif(publish_status, '') is not null",
]
TIMINGS_THAT_COUNT = [
    "media_file_id is not null",
    "deleted_at is null and verse_id is not null and media_file_id is not null",
]
TIMINGS_LEFT_OUT = [
    "verse_text is not null",
    # A verse of such an id would count.
    "verse_id <> ''",
    "duration_seconds > 0",
]


def unique_where(connection: Connection[Any], table: str, columns: str, condition: str) -> bool:
    """Return whether a unique index with this condition will do."""
    run = connection.execute
    run("alter table verse_texts add other_verse_text text, add not_deleted_at date")
    run("alter table media_files_verses add verse_text text")
    names = {"verse_texts": UNIQUE, "media_files_verses": TIMINGS_UNIQUE}
    run(f"alter table {table} drop constraint {names[table]}")  # type: ignore[arg-type]
    run(f"create unique index on {table} ({columns}) where {condition}")  # type: ignore[arg-type]
    with install.transaction(connection):
        return not checks.rows(connection, "unique_pairs", {})


@pytest.mark.parametrize("condition", TEXTS_THAT_COUNT)
def test_a_unique_index_may_leave_out_texts_that_never_count(
    host_connection: Connection[Any], condition: str
) -> None:
    assert unique_where(host_connection, "verse_texts", "verse_id, text_version_id", condition)


@pytest.mark.parametrize("condition", TEXTS_LEFT_OUT)
def test_a_unique_index_that_leaves_out_texts_that_count_will_not_do(
    host_connection: Connection[Any], condition: str
) -> None:
    assert not unique_where(host_connection, "verse_texts", "text_version_id, verse_id", condition)


@pytest.mark.parametrize("condition", [*TIMINGS_THAT_COUNT, *TIMINGS_LEFT_OUT])
def test_the_same_of_timings(host_connection: Connection[Any], condition: str) -> None:
    will_do = unique_where(
        host_connection, "media_files_verses", "verse_id, media_file_id", condition
    )
    assert will_do == (condition in TIMINGS_THAT_COUNT)


def test_the_same_where_texts_are_of_another_type(host_connection: Connection[Any]) -> None:
    run = host_connection.execute
    for type_name in ("varchar(4000)", "char(9)"):
        run(f"alter table verse_texts alter verse_text type {type_name}")  # type: ignore[arg-type]
        run("savepoint before")
        assert unique_where(
            host_connection, "verse_texts", "text_version_id, verse_id", "verse_text <> ''"
        )
        run("rollback to savepoint before")


def test_texts_of_no_version_may_be_there_twice_and_count_nothing(
    host_connection: Connection[Any],
) -> None:
    world = World(host_connection)
    world.canon()
    version = world.text_version()
    world.text(version, ["gen-1-1"])
    run = host_connection.execute
    run(f"alter table verse_texts drop constraint {UNIQUE}")
    run("alter table verse_texts alter text_version_id drop not null")
    run(
        "create unique index on verse_texts (verse_id, text_version_id)"
        " where text_version_id is not null"
    )
    for _ in range(2):
        run("insert into verse_texts (verse_id, verse_text) values ('gen-1-2', 'Words.')")
    install.install(host_connection)
    assert "duplicate_rows" not in {
        finding.check.name for finding in doctor.examine(host_connection).findings
    }
    assert_right(host_connection)


def test_timings_that_may_be_there_twice(host_connection: Connection[Any]) -> None:
    host_connection.execute(
        "alter table media_files_verses"
        " drop constraint media_files_verses_media_file_id_verse_id_key"
    )
    with refused(host_connection, "public.media_files_verses has no unique index"):
        install.install(host_connection)


@pytest.mark.parametrize(
    "newer", ["package_version = '99.0.0'", "schema_version = schema_version + 1"]
)
def test_a_database_of_a_newer_version(conn: Connection[Any], newer: str) -> None:
    conn.execute(f"update progress.settings set {newer}")  # type: ignore[arg-type]
    with refused(conn, "newer than this one"):
        install.install(conn)


def test_an_older_version_is_upgraded(conn: Connection[Any]) -> None:
    conn.execute("update progress.settings set package_version = '0.0.1'")
    assert install.install(conn).installed_version == "0.0.1"
    assert install.make_plan(conn).installed_version == __version__


def test_a_migration_that_was_edited(conn: Connection[Any]) -> None:
    conn.execute("update progress.migration set checksum = 'another'")
    with refused(conn, "migrations/0001_create_progress_schema.sql differs"):
        install.install(conn)


def test_a_host_whose_rows_the_installing_role_does_not_see(
    host_connection: Connection[Any],
) -> None:
    run = host_connection.execute
    run("create role bp_test_blind nosuperuser")
    run("grant bp_test_blind to current_user")
    for table in schema.HOST_TABLES:
        run(f"alter table {table} owner to bp_test_blind")  # type: ignore[arg-type]
    for table in ("verse_texts", "media_files"):
        run(f"alter table {table} enable row level security, force row level security")  # type: ignore[arg-type]
    run("set local role bp_test_blind")
    with refused(host_connection, "row security hides", "media_files", "verse_texts"):
        install.install(host_connection)


def test_reader_roles_that_do_not_exist(conn: Connection[Any]) -> None:
    with refused(conn, "no such role", "nobody_here", "nor_here"):
        install.install(conn, readers=["pg_monitor", "nobody_here", "nor_here"])


def test_a_database_in_another_encoding(server: str) -> None:
    name = f"bp_test_latin_{uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(
            psycopg.sql.SQL(
                "create database {} template template0 encoding 'LATIN1' locale 'C'"
            ).format(psycopg.sql.Identifier(name))
        )
        try:
            with (
                psycopg.connect(make_conninfo(server, dbname=name)) as connection,
                refused(connection, "LATIN1", "UTF8 is needed"),
            ):
                install.install(connection)
        finally:
            admin.execute(
                psycopg.sql.SQL("drop database {} with (force)").format(
                    psycopg.sql.Identifier(name)
                )
            )


HOST_OBJECTS = {
    "create view theirs as select * from mv_text_book_coverage": "view public.theirs",
    "create view theirs as select * from text_verse_coverage": "view public.theirs",
    "create materialized view theirs as select * from mv_language_entity_best_text_version": (
        "materialized view public.theirs"
    ),
    "create function theirs(mv_text_book_coverage) returns int language sql return 1": (
        "function public.theirs"
    ),
}


@pytest.mark.parametrize("statement", HOST_OBJECTS)
def test_objects_of_the_host_that_are_made_of_our_views(
    conn: Connection[Any], statement: str
) -> None:
    conn.execute(statement)  # type: ignore[arg-type]
    with refused(conn, "depend on Bible Progress", HOST_OBJECTS[statement]):
        uninstall.uninstall(conn)


INTERNAL = {
    "create view theirs as select * from progress.versions": "view public.theirs",
    "create materialized view theirs as select * from progress.live_chapters": (
        "materialized view public.theirs"
    ),
    "create function theirs(progress.stored_books) returns int language sql return 1": (
        "function public.theirs"
    ),
    "create function theirs() returns progress.stored_books[] language sql as 'select null::progress.stored_books[]'": (
        "function public.theirs"
    ),
    "create table theirs (of_ours progress.versions)": "column of_ours of table public.theirs",
    "create policy theirs on users using (exists (select from progress.versions))": (
        "policy theirs on table public.users"
    ),
}


@pytest.mark.parametrize("statement", INTERNAL)
@pytest.mark.parametrize("action", [install.install, install.make_plan, uninstall.uninstall])
def test_objects_of_the_host_that_are_made_of_what_is_not_the_contract(
    conn: Connection[Any], statement: str, action: Any
) -> None:
    conn.execute(statement)  # type: ignore[arg-type]
    with refused(conn, "depend on Bible Progress", INTERNAL[statement]):
        action(conn)
