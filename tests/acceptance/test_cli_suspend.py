"""bible-progress suspend: a host changes what we rely on, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from acceptance.command_line import GIVE_UP_SECONDS, CommandLine, soon
from acceptance.installation import Installation
from acceptance.worker_process import WorkerProcess
from bible_progress.installing import doctor, export, schema
from bible_progress.rollout import moves as rollout
from schema.catalog import assert_same_catalog, catalog
from support import oracle

SUSPENDED = 12
WORDS = "Bible Progress is suspended in this database since"

# What a host may want to change about each kind of column that we rely on, and how back.
CHANGES = {
    "a renamed column": (
        "alter table verse_texts rename column verse_text to body",
        "alter table verse_texts rename column body to verse_text",
    ),
    "another type of an id": (
        "alter table verse_texts alter verse_id type varchar(40);"
        "alter table media_files_verses alter verse_id type varchar(40);"
        "alter table verses alter id type varchar(40)",
        "select",
    ),
    "a status that becomes an enum": (
        "create type of_theirs as enum ('pending', 'completed', 'failed');"
        "alter table media_files drop constraint media_files_upload_status_check,"
        " alter upload_status drop default,"
        " alter upload_status type of_theirs using upload_status::of_theirs,"
        " alter upload_status set default 'pending'",
        "select",
    ),
    "a renamed table": (
        "alter table media_files rename to recordings",
        "alter table recordings rename to media_files",
    ),
    "a column for a while": (
        "alter table chapters drop column total_verses",
        "alter table chapters add column total_verses integer",
    ),
}


@pytest.fixture
def site(connect: Callable[..., psycopg.Connection[Any]]) -> Installation:
    site = Installation(connect())
    site.texts(2)
    site.world.recording(site.world.audio_version(), start="gen-1-2", end="exod-1-1")
    site.drain()
    return site


@pytest.mark.parametrize("case", CHANGES)
def test_a_host_changes_its_tables(cli: CommandLine, site: Installation, case: str) -> None:
    change, back = CHANGES[case]
    versions = site.rows("select version_id from progress.version_rollup where kind = 'text'")
    history = site.rows("select * from progress.version_history order by 1, 2, 3")
    cli("suspend").assert_done()
    site.run(change)
    # Writes go through, past triggers that are not there.
    site.run("update verses set verse_number = verse_number + 100 where id = 'gen-2-1'")
    site.run(back)
    site.touch(versions[0][0])
    cli("install").assert_done()
    assert site.rows("select * from progress.version_history order by 1, 2, 3") == history
    assert site.queued() >= 3
    with oracle.snapshot(site.connection) as connection:
        oracle.assert_promises(connection)
    site.drain()
    oracle.assert_same(site.connection)
    assert site.covered(versions[0][0]) == 3


def test_the_guide_is_right(cli: CommandLine, site: Installation) -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/change-host-tables.md").read_text()
    changes = re.findall(r"^```\n((?:alter|create)[^`]+)```$", page, re.MULTILINE)
    assert len(changes) == 3
    shown = re.search(r"^```\n(Suspended[^`]+)```$", page, re.MULTILINE)
    assert shown is not None
    before = site.rows("select * from mv_text_version_progress_summary order by 1")
    assert cli("suspend").out == shown[1]
    for change in changes:
        site.run(change)
    cli("install").assert_done()
    site.drain()
    oracle.assert_same(site.connection)
    assert site.rows("select * from mv_text_version_progress_summary order by 1") == before


def test_a_rename_without_it_is_named_and_undone(cli: CommandLine, site: Installation) -> None:
    site.run("alter table verse_texts rename column deleted_at to removed_at")
    with pytest.raises(psycopg.Error):
        site.run("update verse_texts set verse_text = ''")
    findings = {found.check.name: found for found in doctor.examine(site.connection).findings}
    assert "deleted_at" in " ".join(findings["host_columns"].rows)
    assert "bible-progress suspend" in findings["host_columns"].check.fix
    site.run("alter table verse_texts rename column removed_at to deleted_at")
    site.run("update verse_texts set verse_text = ''")
    site.drain()
    oracle.assert_same(site.connection)


@pytest.mark.parametrize("step", schema.STEPS)
@pytest.mark.parametrize("way", ["install", "export"])
def test_install_brings_back_what_was_there(
    cli: CommandLine, site: Installation, step: int, way: str
) -> None:
    rollout.move(site.connection, step)
    site.run("create view theirs as select * from text_version_progress_summary")
    site.run("comment on view text_version_progress_summary is 'Of the host'")
    before = catalog(site.connection)
    cli("suspend").assert_done()
    assert catalog(site.connection) != before
    done = cli("suspend")
    done.assert_done()
    assert "already" in done.out
    with pytest.raises(psycopg.Error, match=WORDS):
        site.rows("select from theirs")
    if way == "install":
        cli("install").assert_done()
    else:
        site.run(export.render(step=step))
    assert_same_catalog(catalog(site.connection), before)
    assert len(site.rows("select from theirs")) == 2


# Of each kind of column that the contract shows as the host has it: another type, and who shows it.
RETYPED = {
    "a number": ("alter table books alter book_number type bigint", "text_book_coverage"),
    "an id": (
        "alter table chapters drop constraint chapters_book_id_fkey;"
        "alter table books alter id type varchar(40);"
        "alter table chapters alter book_id type varchar(40)",
        "mv_audio_chapter_coverage",
    ),
}


@pytest.mark.parametrize("way", ["install", "export"])
@pytest.mark.parametrize("case", RETYPED)
def test_what_stands_on_a_column_of_another_type_is_named(
    cli: CommandLine, site: Installation, case: str, way: str
) -> None:
    change, shows = RETYPED[case]
    site.run(f"create view theirs as select * from {shows}")
    cli("suspend").assert_done()
    site.run(change)
    if way == "install":
        cli("install").assert_refused(5, "public.theirs", f"public.{shows}", "nothing was changed")
    else:
        with pytest.raises(psycopg.Error, match=r"public\.theirs") as refused:
            site.run(export.render())
        assert refused.value.sqlstate == "BP011"
        assert "CASCADE" not in str(refused.value)
        site.run("rollback")
    site.run("drop view theirs")
    cli("install").assert_done()
    site.drain()
    oracle.assert_same(site.connection)


@pytest.mark.parametrize("step", schema.STEPS)
def test_nothing_of_ours_stands_on_a_column_of_the_host(
    cli: CommandLine, site: Installation, step: int
) -> None:
    rollout.move(site.connection, step)
    cli("suspend").assert_done()
    found = site.rows(
        "select pg_describe_object(d.classid, d.objid, d.objsubid),"
        " pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)"
        " from pg_depend d join pg_class t on t.oid = d.refobjid"
        " where d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0"
        " and t.relname = any(%s) and t.relnamespace = 'public'::regnamespace"
        " and d.classid in ('pg_rewrite'::regclass, 'pg_trigger'::regclass,"
        " 'pg_policy'::regclass, 'pg_proc'::regclass)"
        " and not exists (select from pg_trigger g where g.oid = d.objid and g.tgisinternal)",
        list(schema.HOST_TABLES),
    )
    assert found == []


def test_every_relation_refuses_whatever_is_asked_of_it(
    cli: CommandLine, site: Installation
) -> None:
    """A constant that no row can match must not make an empty answer of it."""
    cli("suspend").assert_done()
    for name in schema.contract_views():
        column = site.value(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum = 1", name
        )
        for query in (
            f"select * from {name}",
            f"select count(*) from {name}",
            f"select from {name} where {column} = gen_random_uuid()",
            f"select from {name} where {column} is not null limit 1",
            f"select exists (select from {name})",
        ):
            with pytest.raises(psycopg.Error, match=WORDS) as refused:
                site.rows(query)
            assert refused.value.sqlstate == "BP010"


COMMANDS = (
    ("status",),
    ("worker",),
    ("serve", "--port", "0"),
    ("refresh",),
    ("verify",),
    ("rollout", "back"),
)


def test_commands_say_that_it_is_suspended(cli: CommandLine, site: Installation) -> None:
    cli("suspend").assert_done()
    for command in COMMANDS:
        done = cli(*command)
        done.assert_refused(SUSPENDED, WORDS)
        assert "bible-progress install" in done.err
        assert "Traceback" not in done.err
    for statement in (
        "call progress.drain()",
        "call progress.audit()",
        "select public.progress_refresh()",
        "select public.progress_tree('text', id) from text_versions",
    ):
        with pytest.raises(psycopg.Error, match=WORDS):
            site.run(statement)


def test_doctor_says_it_and_goes_on(cli: CommandLine, site: Installation) -> None:
    cli("suspend").assert_done()
    site.run("alter table verses rename column verse_number to number")
    found = doctor.examine(site.connection)
    names = {finding.check.name for finding in found.findings}
    assert {"suspended", "host_columns", "our_triggers"} <= names
    cli("install").assert_refused(5, "verse_number")
    site.run("alter table verses rename column number to verse_number")
    assert "end the suspension" in cli("install", "--dry-run").out
    cli("install").assert_done()
    assert "suspended" not in {f.check.name for f in doctor.examine(site.connection).findings}


def test_a_worker_that_runs_ends(cli: CommandLine, site: Installation, tmp_path: Path) -> None:
    with WorkerProcess(cli, tmp_path, "--idle-seconds", "0.02") as worker:
        assert soon(lambda: site.rows("select from progress.worker"))
        cli("suspend").assert_done()
        assert worker.process.wait(timeout=GIVE_UP_SECONDS) == SUSPENDED
        log = worker.log.read_text()
        assert WORDS in log
        assert "Traceback" not in log
    cli("install").assert_done()


def test_production_asks_for_a_reason(cli: CommandLine, site: Installation) -> None:
    site.run("update progress.settings set environment = 'production'")
    cli("suspend").assert_refused(8)
    cli("suspend", "--override", "a column is renamed").assert_done()
    assert site.value("select action from progress.override") == "suspending"


def test_it_needs_an_installation(empty_database: str) -> None:
    CommandLine(empty_database)("suspend").assert_refused(6, "not installed")


def test_a_suspended_database_is_uninstalled(cli: CommandLine, site: Installation) -> None:
    cli("suspend").assert_done()
    cli("uninstall", "--yes").assert_done()
    assert site.value("select to_regnamespace('progress') is null")
