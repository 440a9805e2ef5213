"""A dump of schema public alone: what it brings of ours is made anew, and every number is right."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from catalog import assert_same_catalog, catalog
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict

from acceptance.shell import require
from bible_progress import sql
from bible_progress.embedded.server import find_binaries
from bible_progress.installing import doctor, export, install, uninstall
from oracle.checks import assert_right
from support import oracle
from support.builders import World
from support.recount import assert_live_matches

EARLIER = Path(__file__).with_name("earlier_implementation.sql").read_text(encoding="utf-8")

HOST_TABLES = sql.read("host/host_tables.sql")


def dump(database: str, *flags: str) -> list[str]:
    """Return schema public of a database as pg_dump writes it, an object a text."""
    require("pg_dump")
    parts = conninfo_to_dict(database)
    url = (
        f"postgresql:///{parts['dbname']}?host={quote(str(parts['host']), safe='')}"
        f"&port={parts['port']}&user={parts['user']}"
    )
    text = subprocess.run(
        [
            str(find_binaries() / "pg_dump"),
            "--schema=public",
            "--inserts",
            "--no-owner",
            *flags,
            url,
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    text = re.sub(r"^\\.*$", "", text, flags=re.MULTILINE)
    return re.split(r"\n--\n-- (?=(?:Name|Data for Name): )", text)


def restore(connection: Connection[Any], objects: list[str]) -> list[str]:
    """Make what can be made, as pg_restore does; return the errors of what cannot."""
    errors: list[str] = []
    for one in objects:
        try:
            connection.execute(f"-- {one}".encode())
        except psycopg.Error as error:
            errors.append(str(error))
    connection.execute("reset all")
    return errors


def content(connection: Connection[Any]) -> None:
    world = World(connection)
    world.canon()
    world.text(world.text_version(), ["gen-1-1", "exod-2-2"])
    world.timings(world.recording(world.audio_version(), chapter="gen-1"), ["gen-2-1"])
    oracle.drain(connection)
    # Of a transaction that a restored server never had.
    connection.execute(
        "insert into progress_refresh_queue (kind, version_id) select 'text', id from text_versions"
    )


@pytest.mark.parametrize(
    ("strategy", "how"),
    [
        *((strategy, "install") for strategy in sorted(install.STRATEGIES)),
        *(("incremental", how) for how in ("install --replace", "export", "without comments")),
    ],
)
def test_it_is_installed_again_and_counted_right(
    empty_database: str, spare_database: str, strategy: str, how: str
) -> None:
    with psycopg.connect(empty_database, autocommit=True) as origin:
        install.install(origin, strategy=strategy)
        content(origin)
        expected = catalog(origin)
    objects = dump(empty_database, *(["--no-comments"] if how == "without comments" else []))
    with psycopg.connect(spare_database, autocommit=True) as connection:
        errors = restore(connection, objects)
        # What it works with is not here.
        assert any("progress" in error for error in errors)
        assert connection.execute("select from progress_refresh_queue").rowcount == 1
        [told] = [f for f in doctor.examine(connection).findings if f.check.name == "leftovers"]
        assert "table public.progress_refresh_queue" in told.rows
        assert "earlier_implementation" not in {
            f.check.name for f in doctor.examine(connection).findings
        }
        if how == "export":
            with connection.transaction():
                connection.execute(export.render(strategy=strategy).encode())
        else:
            install.install(connection, strategy=strategy, replace="replace" in how)
        found = catalog(connection)
        if how != "without comments":
            # Comments on the host's own objects went into no dump then.
            assert_same_catalog(
                {line for line in found if "standard public schema" not in line},
                {line for line in expected if "standard public schema" not in line},
            )
        if strategy == "views":
            assert_live_matches(connection)
        else:
            oracle.drain(connection)
            assert_right(connection)
        covered = connection.execute(
            "select covered_verses from text_version_progress_summary"
        ).fetchall()
        assert covered == [(2,)]
        assert "leftovers" not in {f.check.name for f in doctor.examine(connection).findings}


def test_what_stands_for_an_earlier_implementation_is_ours_too(
    empty_database: str, spare_database: str
) -> None:
    with psycopg.connect(empty_database, autocommit=True) as origin:
        origin.execute(HOST_TABLES.encode())
        origin.execute(EARLIER.encode())
        install.install(origin, replace=True)
    with psycopg.connect(spare_database, autocommit=True) as connection:
        restore(connection, dump(empty_database))
        install.install(connection)
        uninstall.uninstall(connection)
        left = connection.execute(
            "select proname from pg_proc where pronamespace = 'public'::regnamespace"
            " and proname ~ 'progress'"
        )
        assert left.fetchall() == []


def test_a_host_of_its_own_with_such_names_is_not_taken_for_ours(
    host_connection: Connection[Any],
) -> None:
    run = host_connection.execute
    run("create table progress_refresh_queue (kind text, version_id uuid, priority integer)")
    run(
        "create function progress_refresh(seconds numeric, within text) returns json"
        " language sql return '{}'::json"
    )
    findings = {f.check.name: f for f in doctor.examine(host_connection).findings}
    assert "leftovers" not in findings
    assert findings["names_taken"].rows
