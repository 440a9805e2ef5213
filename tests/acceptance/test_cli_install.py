"""bible-progress install"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection, sql

from acceptance.command_line import CommandLine
from acceptance.installation import Installation
from bible_progress.sql import read


@pytest.fixture
def bare(empty_database: str) -> Iterator[Installation]:
    """A database with nothing in it."""
    with psycopg.connect(empty_database, autocommit=True) as connection:
        yield Installation(connection)


@pytest.fixture
def bare_cli(empty_database: str) -> CommandLine:
    return CommandLine(empty_database)


@pytest.fixture
def role(server: str) -> Iterator[str]:
    """A role of the whole server. Ask for it first: it can go only after the database."""
    name = f"reader_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("create role {}").format(sql.Identifier(name)))
        yield name
        admin.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def environment_of(site: Installation) -> str:
    return site.value("select environment from progress.settings")


def test_an_empty_database_gets_everything(bare: Installation, bare_cli: CommandLine) -> None:
    bare_cli("install").assert_done()
    [version] = bare.texts(1)
    assert bare.covered(version) == 2
    bare.assert_right()
    bare_cli("status").assert_done()


def test_a_second_install_keeps_every_number(cli: CommandLine, site: Installation) -> None:
    site.texts(2)
    site.run("update progress.settings set dead_after = '3 h'")
    tables = ("version_rollup", "book_rollup", "chapter_bitmap", "version_history")

    def state() -> list[Any]:
        kept = [site.rows(f"select * from progress.{table} order by 1, 2, 3") for table in tables]
        settings = "select environment, dead_after::text, owns_host_tables from progress.settings"
        return [site.relations(), site.rows(settings), kept]

    before = state()
    cli("install").assert_done()
    assert state() == before
    assert site.queued() == 0


def test_install_queues_everything_after_triggers_were_off(
    cli: CommandLine, site: Installation
) -> None:
    [version] = site.texts(1)
    site.run("alter table verse_texts disable trigger progress_insert")
    site.touch(version)
    cli("install").assert_done()
    site.drain()
    assert site.covered(version) == 3
    site.assert_right()


def test_a_dry_run_on_an_empty_database_changes_nothing(
    bare: Installation, bare_cli: CommandLine
) -> None:
    done = bare_cli("install", "--dry-run").assert_done()
    assert "11 host tables" in done.out
    assert bare.relations() == []


def test_a_dry_run_on_an_installed_database_changes_nothing(
    cli: CommandLine, site: Installation
) -> None:
    before = site.rows("select oid, xmin::text from pg_class order by oid")
    settings = site.rows("select * from progress.settings")
    cli("install", "--dry-run", "--environment", "production").assert_done()
    assert site.rows("select oid, xmin::text from pg_class order by oid") == before
    assert site.rows("select * from progress.settings") == settings


def test_a_name_that_is_taken_is_refused(bare: Installation, bare_cli: CommandLine) -> None:
    bare.run("create table mv_text_verse_coverage (id integer)")
    before = bare.relations()
    for arguments in (("install", "--dry-run"), ("install",)):
        bare_cli(*arguments).assert_refused(5, "table public.mv_text_verse_coverage")
    assert bare.relations() == before


def test_every_fault_of_the_host_tables_is_named_at_once(
    bare: Installation, bare_cli: CommandLine
) -> None:
    bare.run("create table verses (id bigint primary key, chapter_id text)")
    before = bare.relations()
    bare_cli("install").assert_refused(
        5, "table public.chapters is missing", "public.verses.verse_number is missing", "bigint"
    )
    assert bare.relations() == before


def test_a_host_table_without_its_unique_index_is_refused(
    bare: Installation, bare_cli: CommandLine
) -> None:
    bare.connection.execute(read("host/host_tables.sql"))
    bare.run("alter table verse_texts drop constraint verse_texts_text_version_id_verse_id_key")
    before = bare.relations()
    bare_cli("install").assert_refused(5, "public.verse_texts", "verse_id")
    assert bare.relations() == before


def test_a_newer_installation_is_refused(cli: CommandLine, site: Installation) -> None:
    site.run("update progress.settings set package_version = '999.0.0'")
    cli("install").assert_refused(5, "999.0.0")
    assert site.value("select package_version from progress.settings") == "999.0.0"


def test_a_reader_that_does_not_exist_is_refused(bare: Installation, bare_cli: CommandLine) -> None:
    bare_cli("install", "--reader", "nobody_of_that_name").assert_refused(5, "nobody_of_that_name")
    assert bare.relations() == []


def test_a_reader_sees_the_contract_and_not_the_queue(
    role: str, cli: CommandLine, site: Installation
) -> None:
    [version] = site.texts(1)
    # A host may grant everything; what it grants on its own tables decides which rows show.
    site.run(f"grant select on all tables in schema public to {role}")
    cli("install", "--reader", role).assert_done()
    cli("install").assert_done()  # kept without the flag
    site.run(f"set role {role}")
    summary = "select covered_verses from mv_text_version_progress_summary"
    assert site.rows(f"{summary} where text_version_id = %s", version) == [(2,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        site.rows("select * from progress_refresh_queue")


def test_the_environment_is_kept_until_another_is_given(
    cli: CommandLine, site: Installation
) -> None:
    cli("install", env={"BIBLE_PROGRESS_ENVIRONMENT": "production"}).assert_done()
    assert environment_of(site) == "production"
    cli("install").assert_done()
    assert environment_of(site) == "production"


def test_an_unknown_environment_is_wrong_usage(cli: CommandLine, site: Installation) -> None:
    assert cli("install", "--environment", "staging").code == 2
    bad = {"BIBLE_PROGRESS_ENVIRONMENT": "staging"}
    cli("install", env=bad).assert_refused(2, "BIBLE_PROGRESS_ENVIRONMENT", "staging")
    assert environment_of(site) == "development"


def test_busy_writers_are_waited_for_until_the_lock_timeout(
    cli: CommandLine, site: Installation, connect: Any
) -> None:
    [version] = site.texts(1)
    writer: Connection[Any] = connect(autocommit=False)
    writer.execute("update text_versions set name = 'Another'")
    before = site.rows("select * from progress.settings")
    cli("install", "--lock-timeout", "0.2").assert_refused(5, "nothing was changed")
    assert site.rows("select * from progress.settings") == before
    writer.commit()
    site.touch(version)
    site.drain()
    site.assert_right()


def test_a_busy_reader_of_the_contract_is_the_same_refusal(
    cli: CommandLine, site: Installation, connect: Any
) -> None:
    reader: Connection[Any] = connect(autocommit=False)
    reader.execute("select * from mv_text_version_progress_summary")
    cli("install", "--lock-timeout", "0.2").assert_refused(5, "nothing was changed")
    reader.rollback()


def test_the_shortest_lock_timeout_is_not_for_ever(cli: CommandLine, connect: Any) -> None:
    writer: Connection[Any] = connect(autocommit=False)
    writer.execute("update text_versions set name = 'Another'")
    assert cli("install", "--lock-timeout", "0.0001").code != 0
    writer.rollback()
