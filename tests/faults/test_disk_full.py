"""A disk that is full under the rollups costs freshness, never a write and never a signal.

Real where this machine allows it: the rollup tables move to a tablespace on a tmpfs of a few
megabytes that a file fills up, so PostgreSQL meets ENOSPC where it extends them. Only root may
mount one, so the same runs everywhere with a trigger that raises the same SQLSTATE. A limit on
the size of files (RLIMIT_FSIZE) would be no honest stand-in: it hits the write-ahead log of that
backend too, which stops the whole server.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from acceptance.installation import Installation
from support import oracle

ROLLUPS = ("chapter_bitmap", "book_rollup", "version_rollup", "version_history")
DISK_FULL = "53100"
CHAPTERS, VERSES = 150, 10


@pytest.fixture
def small_disk(server: str) -> Iterator[tuple[str, Path]]:
    """A tablespace on a file system of 2 MB, and where that is."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    with psycopg.connect(server, autocommit=True) as admin:
        [data] = admin.execute("show data_directory").fetchone() or [""]
        if not Path(data).is_dir():
            pytest.skip("the server is on another machine")
        owner = Path(data).stat()
        disk = Path(tempfile.mkdtemp(prefix="bp-disk-"))
        size = f"size=2m,uid={owner.st_uid},gid={owner.st_gid},mode=700"
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(disk)], capture_output=True
        )
        if mounted.returncode != 0:
            disk.rmdir()
            pytest.skip("this machine does not let root mount a tmpfs")
        try:
            name = f"small_{uuid4().hex[:12]}"
            admin.execute(
                sql.SQL("create tablespace {} location {}").format(
                    sql.Identifier(name), sql.Literal(str(disk))
                )
            )
            yield name, disk
            admin.execute(sql.SQL("drop tablespace {}").format(sql.Identifier(name)))
        finally:
            subprocess.run(["umount", "--lazy", str(disk)], check=True)
            shutil.rmtree(disk)


@pytest.fixture
def texts(site: Installation) -> list[UUID]:
    """Two texts without a word, of a canon whose bitmaps need many new pages."""
    site.run("insert into bible_versions values ('eng', 'English')")
    site.run("insert into books values ('book', 'Book', 1, 'eng', 'old')")
    site.run(
        "insert into chapters (id, chapter_number, book_id, total_verses)"
        f" select 'book-' || n, n, 'book', {VERSES} from generate_series(1, {CHAPTERS}) n"
    )
    site.run(
        "insert into verses (id, verse_number, chapter_id) select c.id || '-' || n, n, c.id"
        f" from chapters c, generate_series(1, {VERSES}) n"
    )
    versions = [site.world.text_version() for _ in range(2)]
    site.drain()
    return versions


def test_signals_and_writers_survive_a_full_disk(
    small_disk: tuple[str, Path], site: Installation, texts: list[UUID]
) -> None:
    # The disk is asked for first: it can go only after the database that is partly on it.
    tablespace, folder = small_disk
    for table in ROLLUPS:
        site.run(f"alter table progress.{table} set tablespace {tablespace}")
        site.run(f"alter index progress.{table}_pkey set tablespace {tablespace}")
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    assert_nothing_is_lost(site, texts, free=filler.unlink)


def test_signals_and_writers_survive_the_error_of_a_full_disk(
    site: Installation, texts: list[UUID]
) -> None:
    site.run(
        "create function fail() returns trigger language plpgsql as $$ begin"
        f" raise exception 'no space left' using errcode = '{DISK_FULL}'; end $$"
    )
    site.run(
        "create trigger fail before insert on progress.chapter_bitmap"
        " for each row execute function fail()"
    )
    assert_nothing_is_lost(site, texts, free=site.stop_failing)


def assert_nothing_is_lost(
    site: Installation, texts: list[UUID], *, free: Callable[[], None]
) -> None:
    # Writers go on: the base tables and the queue are elsewhere.
    for version in texts:
        site.run(
            "insert into verse_texts (text_version_id, verse_id, verse_text)"
            " select %s, id, 'Words.' from verses",
            version,
        )
        [(outcome, error)] = site.rows(
            "select outcome, error from progress.drain_version('text', %s)", version
        )
        assert (outcome, error[:5]) == ("failed", DISK_FULL)
    site.run("delete from verse_texts where verse_id like 'book-7-%%'")
    assert site.queued() >= len(texts)
    with oracle.snapshot(site.connection) as connection:
        oracle.assert_promises(connection)
    free()
    site.run("update progress.failure set next_attempt_at = now()")
    site.drain()
    assert {site.covered(version) for version in texts} == {(CHAPTERS - 1) * VERSES}
    assert site.rows("select from progress.failure") == []
    site.assert_right()
