"""A real standby: what only reads works there, what drains says that it cannot and ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
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
    server = OwnServer(folder, durable=False, settings={}, binaries=programs)
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


def test_a_standby_reads_and_says_that_it_cannot_drain() -> None:
    programs = binaries()
    with own_server(binaries=programs) as primary:
        CommandLine(primary.url)("install").assert_done()
        with psycopg.connect(primary.url, autocommit=True) as connection:
            site = Installation(connection)
            [version] = site.texts(1)
            with standby_of(primary, programs) as standby:
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
