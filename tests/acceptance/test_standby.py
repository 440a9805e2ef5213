"""A real standby: what only reads works there, what drains says that it cannot and ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from acceptance.command_line import CommandLine, soon
from acceptance.installation import Installation
from acceptance.own_server import OwnServer, own_server
from web.site import served


def binaries() -> Path:
    """Return the newest programs with pg_basebackup; skips the test without them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_basebackup"))
    if not found:
        pytest.skip("pg_basebackup is not installed (Debian package postgresql-client)")
    return found[-1].parent


@contextmanager
def standby_of(primary: OwnServer, programs: Path) -> Iterator[OwnServer]:
    folder = Path(tempfile.mkdtemp(prefix="bp-standby-"))
    folder.chmod(0o755)
    settings = {"max_standby_streaming_delay": "0"}
    server = OwnServer(folder, durable=False, settings=settings, binaries=programs)
    try:
        (folder / "data").mkdir()
        copy = folder / "data" / "pgdata"
        [host] = parse_qs(urlsplit(primary.url).query)["host"]
        subprocess.run(
            [
                programs / "pg_basebackup",
                "-D",
                copy,
                "-R",
                "-X",
                "stream",
                "-c",
                "fast",
                "-h",
                host,
                "-U",
                "postgres",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )
        with psycopg.connect(primary.url) as connection:
            [there] = connection.execute("show data_directory").fetchone() or [""]
        owner = Path(there).stat()
        for path in (folder / "data", copy, *copy.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
        server.start()
        assert soon(server.answers)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def primary() -> Iterator[OwnServer]:
    with own_server(binaries=binaries()) as server:
        CommandLine(server.url)("install").assert_done()
        yield server


@pytest.fixture
def site(primary: OwnServer) -> Iterator[Installation]:
    with psycopg.connect(primary.url, autocommit=True) as connection:
        yield Installation(connection)


def test_a_standby_reads_and_says_that_it_cannot_drain(
    primary: OwnServer, site: Installation
) -> None:
    [version] = site.texts(1)
    with standby_of(primary, binaries()) as standby:
        cli = CommandLine(standby.url)
        cli("status").assert_done()
        cli("verify").assert_done()
        for arguments in (("worker",), ("refresh",), ("serve", "--port", "0")):
            cli(*arguments).assert_refused(4, "standby")
        cli("install").assert_refused(5, "the server is a standby")
        with served(standby.url) as api:
            tree = api.get(f"/api/v1/versions/text/{version}/tree")
            assert tree.json()["covered_verses"] == 2
            assert api.get("/operations").status_code == 200


def test_a_read_that_recovery_cancels_is_made_again(primary: OwnServer, site: Installation) -> None:
    [version] = site.texts(1)
    # The first read holds a table and takes long, until the primary locks that table.
    site.run("alter function progress.freshness(text, uuid, boolean) rename to later")
    site.run(
        "create function progress.freshness(p_kind text, p_version_id uuid,"
        " p_stored boolean) returns table (as_of timestamptz, pending boolean,"
        " stale_seconds double precision) language plpgsql as $f$ begin"
        " if not exists (select from pg_locks where locktype = 'advisory') then"
        "   perform pg_advisory_lock(1); perform from public.verse_texts limit 1;"
        "   perform pg_sleep(600);"
        " end if;"
        " return query select * from progress.later(p_kind, p_version_id, p_stored);"
        " end $f$"
    )
    with (
        standby_of(primary, binaries()) as standby,
        served(standby.url) as api,
        psycopg.connect(standby.url, autocommit=True) as observer,
        ThreadPoolExecutor(1) as reader,
    ):
        answer = reader.submit(api.get, f"/api/v1/versions/text/{version}/tree")
        sleeping = "select from pg_stat_activity where wait_event = 'PgSleep'"
        assert soon(lambda: observer.execute(sleeping).rowcount == 1)
        with site.connection.transaction():
            site.run("lock table verse_texts in access exclusive mode")
        assert answer.result().json()["covered_verses"] == 2
        cancelled = (
            "select from pg_stat_database_conflicts"
            " where datname = current_database() and confl_lock > 0"
        )
        assert soon(lambda: observer.execute(cancelled).rowcount == 1)
