"""kill -9 of the whole server under load: what was committed is counted, exactly."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from acceptance.command_line import CommandLine, soon
from acceptance.installation import Installation
from acceptance.own_server import own_server
from bible_progress.db import connect_as_host
from bible_progress.engine import audit
from bible_progress.engine.drain import Drainer
from bible_progress.engine.worker import Worker, WorkerSettings

WRITERS = 4
CHAPTERS, VERSES = 40, 25


class Writer(threading.Thread):
    """Adds and removes verses of its version until the connection breaks.

    `certain` is what the server has confirmed; `doubtful` the one change whose answer was lost.
    """

    def __init__(self, url: str, version: UUID, seed: int) -> None:
        super().__init__()
        self.url = url
        self.version = version
        self.seed = seed
        self.certain: dict[str, bool] = {}
        self.doubtful: str | None = None
        self.commits = 0

    def run(self) -> None:
        with suppress(psycopg.OperationalError), psycopg.connect(self.url) as connection:
            for step in range(10**6):
                number = (step * 7 + self.seed * 13) % (CHAPTERS * VERSES)
                verse = f"book-{number // VERSES + 1}-{number % VERSES + 1}"
                present = self.certain.get(verse, False)
                self.doubtful = verse
                self._write(connection, verse, present)
                connection.commit()
                self.certain[verse] = not present
                self.doubtful = None
                self.commits += 1

    def _write(self, connection: Connection[Any], verse: str, present: bool) -> None:
        if present:
            statement = "delete from verse_texts where text_version_id = %s and verse_id = %s"
        else:
            statement = (
                "insert into verse_texts (text_version_id, verse_id, verse_text)"
                " values (%s, %s, 'Words.')"
            )
        connection.execute(statement, [self.version, verse])


@contextmanager
def worker(url: str) -> Iterator[None]:
    runner = Worker(WorkerSettings(database_url=url, idle_seconds=0.02))
    thread = threading.Thread(target=runner.run)
    thread.start()
    try:
        yield
    finally:
        runner.stop()
        thread.join(240)


def fill(site: Installation) -> list[UUID]:
    books = {"book": (VERSES,) * CHAPTERS}
    with site.connection.transaction():
        site.world.canon("eng", books)
        versions = [site.world.text_version() for _ in range(WRITERS)]
    site.drain()
    return versions


def test_no_committed_change_is_lost_when_the_server_is_killed() -> None:
    with own_server(durable=True) as server:
        CommandLine(server.url)("install").assert_done()
        with psycopg.connect(server.url, autocommit=True) as connection:
            versions = fill(Installation(connection))
        with worker(server.url):
            for _ in range(2):
                writers = [Writer(server.url, version, n) for n, version in enumerate(versions)]
                remember(server.url, writers)
                for writer in writers:
                    writer.start()
                assert soon(lambda writers=writers: all(w.commits > 50 for w in writers), 60)
                server.kill()
                for writer in writers:
                    writer.join(240)
                server.start()
                assert soon(server.answers)
                with psycopg.connect(server.url, autocommit=True) as connection:
                    assert_what_was_certain_is_there(connection, writers)
            with psycopg.connect(server.url, autocommit=True) as connection:
                site = Installation(connection)
                assert soon(lambda: not site.rows("select from progress.dirty"), 60)
                found = audit.audit(connection)
                assert found.is_clean
                assert found.is_complete
                assert found.checked == WRITERS
                site.assert_right()
                for version in versions:
                    written = "select count(*) from verse_texts where text_version_id = %s"
                    assert site.covered(version) == site.value(written, version)


def test_a_drain_that_never_reached_the_disk_is_done_again() -> None:
    with own_server(durable=True) as server:
        CommandLine(server.url)("install").assert_done()
        with connect_as_host(server.url) as connection:
            version, *_ = fill(Installation(connection))
            (wal_writer,) = value(
                connection, "select pid from pg_stat_activity where backend_type = 'walwriter'"
            )
            os.kill(wal_writer, signal.SIGSTOP)
            try:
                connection.execute(
                    "insert into verse_texts (text_version_id, verse_id, verse_text)"
                    " values (%s, 'book-1-1', 'Words.')",
                    [version],
                )
                drainer = Drainer(connection)
                (due,) = drainer.due(10)
                assert drainer.drain(due).outcome == "drained"
                assert value(connection, "show synchronous_commit") == ("on",)
                assert covered(connection, version) == 1
            finally:
                os.kill(wal_writer, signal.SIGKILL)
                server.kill()
        server.start()
        assert soon(server.answers)
        with connect_as_host(server.url) as connection:
            assert covered(connection, version) == 0, "the crash came too late to take it away"
            site = Installation(connection)
            assert site.rows("select from progress.dirty")
            site.drain()
            assert covered(connection, version) == 1
            site.assert_right()


def value(connection: Connection[Any], statement: str, *parameters: object) -> tuple[Any, ...]:
    row = connection.execute(statement, parameters).fetchone()
    assert row is not None
    return row


def covered(connection: Connection[Any], version: UUID) -> int:
    statement = (
        "select covered_verses from mv_text_version_progress_summary where text_version_id = %s"
    )
    return value(connection, statement, version)[0]


def remember(url: str, writers: list[Writer]) -> None:
    """Tell the writers what their versions have already."""
    with psycopg.connect(url) as connection:
        for writer in writers:
            rows = connection.execute(
                "select verse_id from verse_texts where text_version_id = %s", [writer.version]
            )
            writer.certain = {verse: True for (verse,) in rows.fetchall()}


def assert_what_was_certain_is_there(connection: Connection[Any], writers: list[Writer]) -> None:
    for writer in writers:
        rows = connection.execute(
            "select verse_id from verse_texts where text_version_id = %s", [writer.version]
        )
        there = {verse for (verse,) in rows.fetchall()}
        for verse, present in writer.certain.items():
            if verse != writer.doubtful:
                assert (verse in there) == present, verse
