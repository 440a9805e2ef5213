"""Copies by pg_dump, with the commands that doctor and the docs give: right at once, then stored."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from acceptance.command_line import CommandLine
from acceptance.installation import Installation
from bible_progress import install, rollout
from bible_progress.copies import COPIES, Copy
from bible_progress.embedded_binaries import find_binaries
from support import oracle, traffic

WHOLE, DATA, PAST_TRIGGERS = COPIES
NEEDED = ("pg_dump", "pg_restore", "psql")


@pytest.fixture(scope="module")
def programs() -> str:
    """The PATH with the programs of the server that the tests run on."""
    binaries = find_binaries()
    missing = [name for name in NEEDED if not (binaries / name).exists()]
    if os.environ.get("DATABASE_URL") or missing:
        pytest.skip(f"no {missing or NEEDED} of the server's own version")
    return os.pathsep.join(
        [str(Path(sys.executable).parent), str(binaries), os.environ.get("PATH", "")]
    )


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


def run(
    commands: tuple[str, ...], source: str, target: str, programs: str, folder: Path
) -> list[subprocess.CompletedProcess[str]]:
    environment = {
        **os.environ, "PATH": programs, "SOURCE": source, "TARGET": target, "LC_ALL": "C"
    }  # fmt: skip
    return [
        subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        for command in commands
    ]


def assert_copied(source: Installation, target: Connection[Any]) -> None:
    """Right at once, and stored after what a worker does by itself."""
    for table in ("verse_texts", "media_files", "text_versions", "chapters"):
        rows = f"select to_jsonb(t) from {table} t order by t.id"
        assert source.rows(rows) == target.execute(rows).fetchall(), table  # type: ignore[arg-type]
    assert oracle.inexact(target) == []
    for _ in range(3):
        target.execute("call progress.drain()")
    levels = target.execute(
        "select count(*) from progress.levels where to_regclass(stored) is not null"
    ).fetchone()
    assert levels is not None
    oracle.assert_same(target, stored_levels=levels[0])


@pytest.mark.parametrize("waits", [False, True], ids=["drained", "waiting"])
@pytest.mark.parametrize("step", [1, 2, 3, 4, 5])
def test_a_copy_of_the_whole_database(
    source: Installation,
    target: Connection[Any],
    database: str,
    empty_database: str,
    programs: str,
    tmp_path: Path,
    step: int,
    waits: bool,
) -> None:
    rollout.move(source.connection, step)
    source.drain()
    if waits:
        source.run("delete from verse_texts where verse_id = 'gen-1-1'")
    _, restored, installed = run(WHOLE.commands, database, empty_database, programs, tmp_path)
    # pg_dump does not know which materialized views are computed from which.
    errors = [line for line in restored.stderr.splitlines() if "error:" in line]
    assert all("has not been populated" in line for line in errors), restored
    assert installed.returncode == 0, installed
    assert_copied(source, target)


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("copy", [DATA, PAST_TRIGGERS], ids=["triggers", "past triggers"])
def test_a_copy_of_the_data(
    source: Installation,
    target: Connection[Any],
    database: str,
    empty_database: str,
    programs: str,
    tmp_path: Path,
    copy: Copy,
    step: int,
) -> None:
    install.install(target)
    rollout.move(source.connection, step)
    source.drain()
    source.run("delete from verse_texts where verse_id = 'gen-1-1'")
    for done in run(copy.commands, database, empty_database, programs, tmp_path):
        assert done.returncode == 0, done
    assert_copied(source, target)


@pytest.mark.parametrize("section", ["--section=pre-data --section=data", "--disable-triggers"])
def test_other_ways_to_restore_come_right_too(
    source: Installation,
    target: Connection[Any],
    database: str,
    empty_database: str,
    programs: str,
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
    for done in run((dump, restore), database, empty_database, programs, tmp_path):
        assert done.returncode == 0, done
    assert_copied(source, target)


def test_doctor_says_how_to_copy(cli: CommandLine) -> None:
    said = cli("doctor").assert_done().out
    told = json.loads(cli("doctor", "--json").assert_done().out)["copies"]
    assert [copy["title"] for copy in told] == [copy.title for copy in COPIES]
    for copy, as_json in zip(COPIES, told, strict=True):
        assert as_json["commands"] == list(copy.commands)
        for command in copy.commands:
            assert command in said


def test_the_page_has_the_same_commands() -> None:
    page = Path(__file__).parents[2].joinpath("docs/how-to/back-up-and-copy.md").read_text("utf-8")
    for copy in COPIES:
        assert "\n".join(copy.commands) in page
