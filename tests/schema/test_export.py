"""The exported file does what install does, refuses what it refuses, and may be applied again."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from catalog import assert_same_catalog, catalog
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict

from acceptance.shell import require
from bible_progress.embedded.server import find_binaries
from bible_progress.errors import InstallRefused, UsageError
from bible_progress.installing import export, install, rendering, schema, uninstall
from oracle.checks import assert_right
from support.builders import World

STATE = (
    "select schema_version, oldest_code, package_version, environment, rollout_step,"
    " owns_host_tables, reader_roles from progress.settings",
    "select name, checksum from progress.migration order by 1",
    "select kind, version_id, chapter_id from progress_refresh_queue order by 1, 2, 3",
)


def state(connection: Connection[Any]) -> list[list[tuple[Any, ...]]]:
    """Return what an installation holds beside its catalogue."""
    return [connection.execute(query).fetchall() for query in STATE]  # type: ignore[arg-type]


def apply(connection: Connection[Any], text: str) -> None:
    connection.execute(text.encode())


@contextmanager
def undone(connection: Connection[Any]) -> Iterator[None]:
    """Take back what the block does."""
    connection.execute("savepoint before")
    yield
    connection.execute("rollback to savepoint before")


def content(connection: Connection[Any]) -> None:
    world = World(connection)
    world.canon()
    world.text(world.text_version(), ["gen-1-1"])
    world.recording(world.audio_version(), chapter="gen-1")


@pytest.mark.parametrize(
    ("strategy", "host"),
    [
        *((strategy, "with tables and rows") for strategy in sorted(install.STRATEGIES)),
        ("incremental", "without tables"),
    ],
)
def test_it_makes_what_install_makes(
    empty_connection: Connection[Any],
    host_connection: Connection[Any],
    strategy: str,
    host: str,
) -> None:
    connection = empty_connection
    if host == "with tables and rows":
        connection = host_connection
        content(connection)
    with undone(connection):
        install.install(connection, strategy=strategy, readers=["pg_monitor"])
        expected, expected_state = catalog(connection), state(connection)
    apply(connection, export.render(strategy=strategy, readers=["pg_monitor"]))
    assert_same_catalog(catalog(connection), expected)
    assert state(connection) == expected_state
    if strategy == "incremental" and host == "with tables and rows":
        assert_right(connection)


@pytest.mark.parametrize("strategy", sorted(install.STRATEGIES))
def test_applying_it_again_is_harmless(host_connection: Connection[Any], strategy: str) -> None:
    content(host_connection)
    text = export.render(strategy=strategy)
    apply(host_connection, text)
    host_connection.execute("delete from progress_refresh_queue")
    before, before_state = catalog(host_connection), state(host_connection)
    apply(host_connection, text)
    assert_same_catalog(catalog(host_connection), before)
    assert state(host_connection) == before_state


def test_install_and_uninstall_know_what_it_made(host_connection: Connection[Any]) -> None:
    bare = catalog(host_connection)
    apply(host_connection, export.render())
    before, before_state = catalog(host_connection), state(host_connection)
    plan = install.install(host_connection)
    assert plan.installed_version is not None
    assert plan.migrations == ()
    assert_same_catalog(catalog(host_connection), before)
    assert state(host_connection) == before_state
    uninstall.uninstall(host_connection)
    assert_same_catalog(catalog(host_connection), bare)


def test_it_keeps_what_an_installation_chose(conn: Connection[Any]) -> None:
    install.install(conn, environment="production", readers=["pg_monitor"])
    before = state(conn)
    apply(conn, export.render())
    assert state(conn) == before


@pytest.mark.parametrize(
    "meddling",
    [
        "drop view mv_text_book_coverage cascade",
        "alter table verse_texts disable trigger progress_insert",
    ],
)
def test_what_was_changed_is_put_back_as_install_would(
    conn: Connection[Any], meddling: str
) -> None:
    content(conn)
    conn.execute("delete from progress_refresh_queue")
    conn.execute(meddling)  # type: ignore[arg-type]
    with undone(conn):
        install.install(conn)
        expected, expected_state = catalog(conn), state(conn)
    apply(conn, export.render())
    assert_same_catalog(catalog(conn), expected)
    assert state(conn) == expected_state


REFUSED = {
    "create table mv_text_book_coverage (id int)": "host",
    "create schema progress; create type progress.mine as enum ('a')": "host",
    "drop table media_files_verses; alter table books rename column book_number to number": "host",
    "alter table verse_texts drop constraint verse_texts_text_version_id_verse_id_key": "host",
    "create table users (id bigint primary key)": "empty",
    "create view mine as select * from progress.versions": "installed",
    "update progress.settings set package_version = '99.0.0'": "installed",
    "update progress.settings set schema_version = schema_version + 1": "installed",
    "update progress.migration set checksum = 'other' where name like '%/0001%'": "installed",
    "drop view mv_text_book_coverage cascade;"
    " create table mv_text_book_coverage (id int)": "installed",
}


@pytest.mark.parametrize("statement", REFUSED)
def test_it_refuses_what_install_refuses_in_the_same_words(
    conn: Connection[Any],
    host_connection: Connection[Any],
    empty_connection: Connection[Any],
    statement: str,
) -> None:
    databases = {"installed": conn, "host": host_connection, "empty": empty_connection}
    connection = databases[REFUSED[statement]]
    connection.execute(statement)  # type: ignore[arg-type]
    before = catalog(connection)
    connection.execute("savepoint before")
    with pytest.raises(InstallRefused) as ours:
        install.install(connection)
    with pytest.raises(psycopg.Error) as theirs:
        apply(connection, export.render())
    connection.execute("rollback to savepoint before")
    assert theirs.value.sqlstate == "BP011"
    assert theirs.value.diag.message_primary == str(ours.value)
    assert theirs.value.diag.message_hint
    assert_same_catalog(catalog(connection), before)


def refused(connection: Connection[Any], text: str) -> str:
    """Return the message with which a database refuses a file; nothing has changed after it."""
    before = catalog(connection)
    connection.execute("savepoint before")
    with pytest.raises(psycopg.Error) as caught:
        apply(connection, text)
    connection.execute("rollback to savepoint before")
    assert caught.value.sqlstate == "BP011", caught.value
    assert caught.value.diag.message_hint
    assert_same_catalog(catalog(connection), before)
    return caught.value.diag.message_primary or ""


def test_it_refuses_rows_that_its_role_cannot_see(host_connection: Connection[Any]) -> None:
    run = host_connection.execute
    run("create role bp_test_plain nosuperuser")
    run("grant bp_test_plain to current_user")
    run("grant create, usage on schema public to bp_test_plain")
    row = run("select current_database()").fetchone()
    assert row is not None
    run(
        psycopg.sql.SQL("grant create on database {} to bp_test_plain").format(
            psycopg.sql.Identifier(row[0])
        )
    )
    for table in schema.HOST_TABLES:
        run(f"alter table {table} owner to bp_test_plain")  # type: ignore[arg-type]
    run("alter table verse_texts enable row level security, force row level security")
    run("set local role bp_test_plain")
    assert "row security hides rows of public.verse_texts" in refused(
        host_connection, export.render()
    )


def test_it_refuses_another_owner_another_strategy_and_unknown_readers(
    conn: Connection[Any],
) -> None:
    assert "the strategy of this database is incremental, not matview" in refused(
        conn, export.render(strategy="matview")
    )
    conn.execute("update progress.settings set rollout_step = 2")
    assert "half way, on step 2" in refused(conn, export.render())
    conn.execute("update progress.settings set rollout_step = 5")
    assert "no such role: nobody" in refused(conn, export.render(readers=["nobody"]))
    conn.execute("create role bp_test_other")
    conn.execute("alter schema progress owner to bp_test_other")
    assert "belongs to role bp_test_other" in refused(conn, export.render())


def test_it_refuses_a_place_that_another_role_owns(host_connection: Connection[Any]) -> None:
    host_connection.execute("create role bp_test_other")
    host_connection.execute("create schema progress authorization bp_test_other")
    assert "belongs to role bp_test_other" in refused(host_connection, export.render())


def test_no_function_of_others_runs_before_the_path_is_pinned(
    host_connection: Connection[Any],
) -> None:
    run = host_connection.execute
    run("create schema evil")
    for function, returns in (
        ("set_config(text, text, boolean)", "text"),
        ("current_setting(text)", "text"),
        ("current_setting(text, boolean)", "text"),
        ("pg_current_xact_id()", "xid8"),
    ):
        run(
            f"create function evil.{function} returns {returns} language plpgsql as"  # type: ignore[arg-type]
            " $$ begin raise exception 'ran as %', current_user; end $$"
        )
    run("set local search_path = evil, pg_catalog, public")
    apply(host_connection, export.render())
    assert run("select count(*) from progress.settings").fetchone() == (1,)


@pytest.fixture
def as_if_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this code be the release after the one that it is."""
    for module in (export, rendering):
        monkeypatch.setattr(module, "__version__", "99.0.0")


@pytest.mark.usefixtures("as_if_later")
def test_an_upgrade_needs_what_it_upgrades(
    empty_connection: Connection[Any], conn: Connection[Any]
) -> None:
    first = schema.since(schema.migrations()[0])
    text = export.render(since=first)
    assert "create table progress.settings" not in text
    assert "is not installed here" in refused(empty_connection, text)
    with undone(conn):
        apply(conn, text)
        row = conn.execute("select package_version from progress.settings").fetchone()
        assert row == ("99.0.0",)
    conn.execute("update progress.migration set name = 'other' where name like '%0001%'")
    assert "lacks migrations/0001" in refused(conn, text)


def test_only_an_earlier_release_can_be_upgraded() -> None:
    for since, words in (("0.1.0", "not older"), ("99.0.0", "not older"), ("0.0.9", "the first")):
        with pytest.raises(UsageError, match=words):
            export.render(since=since)


def test_a_file_says_whether_it_is_whole() -> None:
    text = export.render()
    assert export.is_whole(text)
    assert not export.is_whole(text.replace("notify pgrst", "notify others"))
    assert not export.is_whole(text.removesuffix("\n"))
    assert text == export.render()


def psql(database: str, path: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    parts = conninfo_to_dict(database)
    url = (
        f"postgresql:///{parts['dbname']}?host={quote(str(parts['host']), safe='')}"
        f"&port={parts['port']}&user={parts['user']}"
    )
    return subprocess.run(
        [str(find_binaries() / "psql"), "--no-psqlrc", *flags, "--file", str(path), url],
        capture_output=True,
        text=True,
        check=False,
    )


def test_psql_applies_it_in_one_transaction_or_not_at_all(
    empty_database: str, template: str, server: str, tmp_path: Path
) -> None:
    require("psql")
    file = tmp_path / "file.sql"
    file.write_text(export.render())
    with psycopg.connect(empty_database, autocommit=True) as connection:
        bare = catalog(connection)
        done = psql(empty_database, file)
        assert done.returncode != 0
        assert "--single-transaction" in done.stderr
        assert_same_catalog(catalog(connection), bare)
        done = psql(empty_database, file, "--single-transaction")
        assert done.returncode == 0, done.stderr
        with psycopg.connect(f"{server}", dbname=template) as installed:
            assert_same_catalog(catalog(connection), catalog(installed))
