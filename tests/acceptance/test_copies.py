"""Copies by pg_dump, with the commands that doctor and the docs give: right at once, then stored."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from acceptance.command_line import CommandLine, Finished, soon
from acceptance.installation import Installation
from acceptance.own_server import own_server
from acceptance.shell import require, shell
from bible_progress.installing import install
from bible_progress.installing.copies import COPIES, Copy
from bible_progress.rollout import moves as rollout
from support import oracle, traffic

WHOLE, DATA, PAST_TRIGGERS = COPIES


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    if os.environ.get("DATABASE_URL"):
        pytest.skip("that server may be of another version than our programs")
    require("pg_dump", "pg_restore", "psql")


@pytest.fixture
def source(connect: Callable[..., Connection[Any]]) -> Installation:
    """A database with a world that is drained but for a text."""
    site = Installation(connect())
    traffic.build(site.world)
    site.drain()
    return site


@pytest.fixture
def target(empty_database: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        yield connection


def run(commands: tuple[str, ...], source: str, target: str, folder: Path) -> list[Finished]:
    return [shell(command, folder, SOURCE=source, TARGET=target) for command in commands]


def assert_copied(source: Installation, target: Connection[Any]) -> None:
    """Right at once, and stored after what a worker does by itself."""
    for table in ("verse_texts", "media_files", "text_versions", "chapters"):
        rows = f"select to_jsonb(t) from {table} t order by t.id"
        assert source.rows(rows) == target.execute(rows).fetchall(), table  # type: ignore[arg-type]
    assert oracle.inexact(target) == []
    for _ in range(3):
        target.execute("call progress.drain()")
    oracle.assert_same(target)


@pytest.mark.parametrize("waits", [False, True], ids=["drained", "waiting"])
@pytest.mark.parametrize("step", [1, 2, 3, 4, 5])
def test_a_copy_of_the_whole_database(
    source: Installation,
    target: Connection[Any],
    database: str,
    empty_database: str,
    tmp_path: Path,
    step: int,
    waits: bool,
) -> None:
    rollout.move(source.connection, step)
    source.drain()
    if waits:
        source.run("delete from verse_texts where verse_id = 'gen-1-1'")
    _, restored, installed = run(WHOLE.commands, database, empty_database, tmp_path)
    # pg_dump does not know which materialized views are computed from which.
    errors = [line for line in restored.err.splitlines() if "error:" in line]
    assert all("has not been populated" in line for line in errors), restored
    installed.assert_done()
    assert_copied(source, target)


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("copy", [DATA, PAST_TRIGGERS], ids=["triggers", "past triggers"])
def test_a_copy_of_the_data(
    source: Installation,
    target: Connection[Any],
    database: str,
    empty_database: str,
    tmp_path: Path,
    copy: Copy,
    step: int,
) -> None:
    install.install(target)
    rollout.move(source.connection, step)
    source.drain()
    source.run("delete from verse_texts where verse_id = 'gen-1-1'")
    for done in run(copy.commands, database, empty_database, tmp_path):
        done.assert_done()
    assert_copied(source, target)


@pytest.mark.parametrize("section", ["--section=pre-data --section=data", "--disable-triggers"])
def test_other_ways_to_restore_come_right_too(
    source: Installation,
    target: Connection[Any],
    database: str,
    empty_database: str,
    tmp_path: Path,
    section: str,
) -> None:
    """In parts, and by a superuser who switches triggers off."""
    dump, restore = DATA.commands
    if "section" in section:
        dump, restore, _ = WHOLE.commands
        restore = f"{restore} {section}; {restore} --section=post-data"
    else:
        install.install(target)
        restore = f"{restore} {section}"
    for done in run((dump, restore), database, empty_database, tmp_path):
        done.assert_done()
    assert_copied(source, target)


@pytest.mark.parametrize("with_install", [True, False], ids=["install", "no install"])
def test_a_new_cluster_has_no_trouble_with_numbers_of_the_old_one(
    source: Installation,
    connect: Callable[..., Connection[Any]],
    database: str,
    tmp_path: Path,
    with_install: bool,
) -> None:
    """Signals, dead letters and notes, settled half way, whose numbers nobody has had there yet."""
    source.use_numbers()
    [version] = source.texts(1)
    older = connect()
    with older.transaction():
        older.execute("select pg_current_xact_id()")
        source.leave_work("gen-1")
        source.drain()
        assert source.value("select count(*) from progress.unsettled_change where settles_at > '0'")
        source.leave_work("exod-1")
        source.bury(version)
        with own_server() as server:
            dump, restore, installed = WHOLE.commands
            steps = (dump, restore, installed) if with_install else (dump, restore)
            for done in run(steps, database, server.url, tmp_path):
                done.assert_done()
            with psycopg.connect(server.url, autocommit=True) as connection:
                assert_numbers_are_no_trouble(Installation(connection), CommandLine(server.url))


def assert_numbers_are_no_trouble(site: Installation, cli: CommandLine) -> None:
    for table in ("progress_refresh_queue", "progress.unsettled_change"):
        assert site.value(
            f"select count(*) from {table} where xid >= pg_snapshot_xmax(pg_current_snapshot())"
        ), table
    assert oracle.inexact(site.connection) == []
    waiting = json.loads(cli("status", "--json").assert_done().out)
    for what in ("queue_depth", "unsettled_changes", "dead_letters", "foreign_numbers"):
        assert waiting[what] > 0, what
    assert "copy brought from another server" in cli("doctor").out
    cli("verify").assert_refused(10, "not compared")

    traffic.refill(site.connection, Random(0), 2)
    site.run("update books set book_number = book_number + 20")
    assert oracle.inexact(site.connection) == []
    assert soon(lambda: cli("refresh").assert_done() and nothing_waits(site))
    oracle.assert_same(site.connection)
    cli("verify").assert_done()


def nothing_waits(site: Installation) -> bool:
    return not site.queued() and not site.value("select count(*) from progress.unsettled_change")


def test_doctor_says_how_to_copy(cli: CommandLine) -> None:
    said = cli("doctor").out
    told = json.loads(cli("doctor", "--json").assert_done().out)["copies"]
    assert [copy["title"] for copy in told] == [copy.title for copy in COPIES]
    for copy, as_json in zip(COPIES, told, strict=True):
        assert as_json["commands"] == list(copy.commands)
        for command in copy.commands:
            assert command in said


def page() -> str:
    return Path(__file__).parents[2].joinpath("docs/how-to/back-up-and-copy.md").read_text("utf-8")


def test_the_page_has_the_same_commands() -> None:
    for copy in COPIES:
        assert "\n".join(copy.commands) in page()


def test_a_copy_of_schema_public_alone_keeps_and_loses_what_the_page_says(
    source: Installation,
    target: Connection[Any],
    database: str,
    empty_database: str,
    tmp_path: Path,
) -> None:
    source.run("create view theirs as select * from mv_text_version_progress_summary")
    source.run("update progress.settings set environment = 'production'")
    _, section = page().split("## Schema public alone\n")
    commands = tuple(section.split("```sh\n")[1].split("\n```")[0].splitlines())
    dumped, restored, installed = run(commands, database, empty_database, tmp_path)
    dumped.assert_done()
    errors = [line for line in restored.err.splitlines() if "error:" in line]
    assert errors
    ours = ("progress", "_coverage", "_best_", "theirs", 'schema "public" already exists')
    assert all(any(name in line for name in ours) for line in errors), restored
    installed.assert_done()
    assert_copied(source, target)
    for lost in (
        "select from pg_class where relname = 'theirs'",
        "select from progress.settings where environment = 'production'",
    ):
        assert target.execute(lost).rowcount == 0, lost  # type: ignore[arg-type]
