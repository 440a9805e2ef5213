"""A worker stops when asked, whatever the database does meanwhile: what it waits for is still held."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from acceptance.command_line import CommandLine, soon
from acceptance.installation import BLOCKED_DRAIN, Installation, held
from acceptance.own_server import OwnServer, own_server
from acceptance.worker_process import WorkerProcess

BOTH = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServer]:
    """A server that may be frozen, with Bible Progress installed."""
    with own_server() as server:
        CommandLine(server.url)("install").assert_done()
        yield server


@BOTH
def test_an_idle_worker_stops_at_once(
    cli: CommandLine, site: Installation, tmp_path: Path, number: signal.Signals
) -> None:
    # The longest sleeps must not keep it.
    slow = ("--idle-seconds", "1000", "--audit-seconds", "1000")
    with WorkerProcess(cli, tmp_path, *slow) as worker:
        assert soon(lambda: site.rows("select from progress.worker"))
        worker.stop(number)
    assert worker.process.returncode == 0
    assert worker.events()[-1]["action"] == "stop"


@BOTH
def test_a_worker_in_a_long_drain_stops_too(
    cli: CommandLine,
    site: Installation,
    connect: Callable[..., Connection[Any]],
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    versions = site.texts(2)
    with WorkerProcess(cli, tmp_path) as worker:
        with held(connect(), versions[0]):
            for version in versions:
                site.touch(version)
            assert soon(lambda: site.rows(BLOCKED_DRAIN))
            worker.stop(number)
        assert worker.process.returncode == 0
    # The server ends what was in hand, either way, and nothing is lost or blamed on the version.
    assert soon(lambda: not site.rows(BLOCKED_DRAIN))
    assert site.rows("select from progress.failure") == []
    assert site.rows("select from progress.worker") == []
    site.drain()
    assert {site.covered(version) for version in versions} == {3}
    site.assert_right()


def test_a_busy_worker_stops_and_leaves_the_rest(
    cli: CommandLine, site: Installation, tmp_path: Path
) -> None:
    versions = site.texts(300, drained=False)
    with WorkerProcess(cli, tmp_path, "--concurrency", "1") as worker:
        worker.stop()
    assert worker.process.returncode == 0
    site.drain()
    assert {site.covered(version) for version in versions} == {2}


def test_a_worker_whose_row_is_locked_stops_too(
    cli: CommandLine,
    site: Installation,
    connect: Callable[..., Connection[Any]],
    tmp_path: Path,
) -> None:
    locker = connect(autocommit=False)
    with WorkerProcess(cli, tmp_path) as worker:
        assert soon(lambda: site.rows("select from progress.worker"))
        locker.execute("select from progress.worker for update")
        try:
            worker.stop()
        finally:
            locker.rollback()
    assert worker.process.returncode == 0


def test_a_worker_of_a_frozen_server_stops_too(own: OwnServer, tmp_path: Path) -> None:
    with WorkerProcess(CommandLine(own.url), tmp_path) as worker:
        assert soon(lambda: workers(own.url))
        frozen = own.freeze()
        try:
            worker.stop()
        finally:
            own.thaw(frozen)
    assert worker.process.returncode == 0


def test_a_worker_that_waits_for_a_lost_server_stops_too(own: OwnServer, tmp_path: Path) -> None:
    with WorkerProcess(CommandLine(own.url), tmp_path) as worker:
        assert soon(lambda: workers(own.url))
        own.stop()
        try:
            assert soon(lambda: worker.said("trying again"))
            worker.stop()
        finally:
            own.start()
    assert worker.process.returncode == 0


def workers(url: str) -> int:
    with psycopg.connect(url) as connection:
        return len(connection.execute("select from progress.worker").fetchall())
