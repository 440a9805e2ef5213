"""bible-progress doctor, and install --replace as a person runs it"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from acceptance.command_line import CommandLine
from acceptance.installation import Installation
from bible_progress.sql import read

HOSTS = Path(__file__).resolve().parents[1] / "schema"


@pytest.fixture
def empty_database(empty_database: str) -> str:
    """With JIT off, as doctor advises where a server has it on."""
    with psycopg.connect(empty_database, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("alter database {} set jit = off").format(name))
    return empty_database


@pytest.fixture
def host(empty_database: str) -> Iterator[Installation]:
    """A database with host tables and nothing of ours."""
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(read("host/host_tables.sql"))
        yield Installation(connection)


@pytest.fixture
def host_cli(empty_database: str) -> CommandLine:
    return CommandLine(empty_database)


def test_a_clean_host_is_done_without_a_finding(host: Installation, host_cli: CommandLine) -> None:
    done = host_cli("doctor").assert_done()
    assert "0 errors, 0 warnings, 0 pieces of advice" in done.out
    host_cli("doctor", "--fail-on", "advice").assert_done()


def test_who_does_as_the_readme_says_is_warned_of_nothing(
    empty_database: str, host_cli: CommandLine
) -> None:
    """Of tables of a few rows too, which nobody ever analyzes."""
    assert "import canon" in host_cli("install").assert_done().out
    assert "import canon" not in host_cli("install").assert_done().out
    host_cli("import", "canon").assert_done()
    with psycopg.connect(empty_database, autocommit=True) as connection:
        for statement in (
            "insert into language_entities (name) values ('Gonja')",
            "insert into text_versions (name, language_entity_id, bible_version_id)"
            " select 'Ours', id, 'eng-protestant' from language_entities",
            "insert into verse_texts (text_version_id, verse_id, verse_text)"
            " select id, 'ruth-1-1', 'Words.' from text_versions",
        ):
            connection.execute(statement)
    host_cli("refresh").assert_done()
    host_cli("doctor", "--fail-on", "advice").assert_done()


def test_findings_decide_the_exit_code_by_their_severity(
    host: Installation, host_cli: CommandLine
) -> None:
    host.world.canon()
    host.run("update chapters set total_verses = 31 where id = 'gen-1'")
    host.run("analyze")
    done = host_cli("doctor").assert_done()
    assert "chapters.total_verses of gen-1 says 31" in done.out
    host_cli("doctor", "--fail-on", "warning").assert_refused(13, "1 warning")
    host.run("drop table verse_texts")
    host_cli("doctor").assert_refused(13, "1 error")
    host_cli("install").assert_refused(5, "table public.verse_texts is missing")


def test_json_holds_what_is_printed(host: Installation, host_cli: CommandLine) -> None:
    host.world.canon()
    host.run("update chapters set total_verses = 31")
    host.run("analyze")
    document = json.loads(host_cli("doctor", "--json", "--rows", "2").assert_done().out)
    assert document["counts"] == {"error": 0, "warning": 1, "advice": 0}
    [finding] = document["findings"]
    assert finding["check"] == "wrong_totals"
    assert (finding["how_many"], len(finding["rows"])) == (4, 2)
    [statement] = finding["statements"]
    host.run(statement)
    document = json.loads(host_cli("doctor", "--json").assert_done().out)
    assert document["findings"] == []
    assert len(document["passed"]) > 35


def test_it_looks_at_an_installed_database_too(cli: CommandLine, site: Installation) -> None:
    site.run("alter table verse_texts disable trigger progress_update")
    done = cli("doctor").assert_done()
    assert "progress_update on public.verse_texts is disabled" in done.out
    assert "is installed" in done.out


def test_it_needs_no_right_to_write(host: Installation, host_cli: CommandLine) -> None:
    before = host.rows("select oid, xmin::text from pg_class order by oid")
    host.run("alter database {} set default_transaction_read_only = on".format(
        host.value("select quote_ident(current_database())")
    ))  # fmt: skip
    host_cli("doctor").assert_done()
    only = {"PGOPTIONS": "-c default_transaction_read_only=on"}
    host_cli("doctor", env=only).assert_refused(13, "1 error")
    assert host.rows("select oid, xmin::text from pg_class order by oid") == before


def test_an_earlier_implementation_is_replaced_on_request_only(
    host: Installation, host_cli: CommandLine
) -> None:
    host.connection.execute((HOSTS / "earlier_implementation.sql").read_text(encoding="utf-8"))
    [version] = host.texts(1, drained=False)
    before = host.relations()
    host_cli("doctor").assert_refused(13)
    host_cli("install").assert_refused(5, "view public.text_verse_coverage", "--replace")
    done = host_cli("install", "--replace", "--dry-run").assert_done()
    assert "  drop table public.progress_refresh_queue\n" in done.out
    assert "  keep view public.dashboard, on the new relations\n" in done.out
    assert "note: nothing refreshes materialized view public.mv_listens" in done.out
    assert host.relations() == before
    host_cli("install", "--replace", "--environment", "production").assert_refused(8, "replacing")
    assert host.relations() == before
    host_cli("install", "--replace").assert_done()
    host.drain()
    assert host.covered(version) == 2
    assert host.value("select covered_verses from dashboard") == 2
    host.assert_right()
    host_cli("doctor").assert_done()
