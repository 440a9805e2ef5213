"""The embedded PostgreSQL ends with its owner, however that ends, and says why it ended itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from probes import OWNER, lives, parent_of, run_folder, value

from acceptance.command_line import soon
from bible_progress.embedded.server import EmbeddedPostgres
from bible_progress.errors import EmbeddedFailed

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_its_owner(owner: Any, number: signal.Signals) -> None:
    process, pid, url = owner()
    process.send_signal(number)
    assert soon(lambda: not lives(pid))
    assert soon(lambda: not run_folder(url).exists())


def test_a_fork_of_the_owner_keeps_nothing_alive(owner: Any) -> None:
    process, pid, _ = owner("fork")
    process.kill()
    assert soon(lambda: not lives(pid))


@needs_linux
def test_nothing_outlives_owner_and_supervisor(owner: Any, place: Path) -> None:
    process, pid, url = owner()
    os.kill(parent_of(pid), signal.SIGKILL)
    process.kill()
    assert soon(lambda: not lives(pid))
    left = run_folder(url)
    assert left.parent == place
    with EmbeddedPostgres(durable=False):
        assert left.exists()  # too young to be told from one that is being made
    os.utime(left, (0, 0))
    with EmbeddedPostgres(durable=False) as server:
        os.utime(run_folder(server.url), (0, 0))
        assert not left.exists()
        with EmbeddedPostgres(durable=False):
            assert value(server.url, "select 1") == 1


@needs_linux
def test_a_killed_supervisor_ends_the_server() -> None:
    with EmbeddedPostgres(durable=False) as server:
        pid, base = server.pid, run_folder(server.url)
        os.kill(parent_of(pid), signal.SIGKILL)
        assert soon(lambda: not lives(pid))
    assert not base.exists()


def test_start_killed_halfway_does_not_spoil_the_folder(place: Path) -> None:
    folder = place / "data"
    with subprocess.Popen([sys.executable, "-c", OWNER, "plain", str(folder)]) as process:
        assert soon(lambda: any(folder.glob(".initdb-*/PG_VERSION")))
        process.kill()
    with EmbeddedPostgres(folder) as server:
        assert value(server.url, "select 1") == 1


def test_any_thread_may_start_it() -> None:
    server = EmbeddedPostgres(durable=False)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    try:
        time.sleep(0.5)
        assert value(server.url, "select 1") == 1
    finally:
        server.stop()


def test_a_crash_is_reported_with_the_log() -> None:
    with EmbeddedPostgres(durable=False) as server:
        os.kill(server.pid, signal.SIGQUIT)
        assert soon(lambda: not lives(server.pid))

        def reported() -> bool:
            try:
                server.check()
            except EmbeddedFailed as error:
                return "received immediate shutdown request" in str(error)
            return False

        assert soon(reported)


def test_a_wrong_setting_is_reported_and_nothing_is_left(place: Path) -> None:
    server = EmbeddedPostgres(settings={"no_such_setting": "1"}, durable=False)
    with pytest.raises(EmbeddedFailed, match='unrecognized configuration parameter "no_such_'):
        server.start()
    assert not list(place.glob("bible-progress-run-*"))


def test_second_server_on_the_same_folder_is_refused(owner: Any, place: Path) -> None:
    folder = place / "data"
    process, _, url = owner("plain", str(folder))
    with pytest.raises(EmbeddedFailed, match=f"started by process {process.pid}"):
        EmbeddedPostgres(folder).start()
    # PostgreSQL's own lock still stands where ours is lost.
    (folder / "lock").unlink()
    with pytest.raises(EmbeddedFailed, match=r"postmaster\.pid"):
        EmbeddedPostgres(folder).start()
    assert value(url, "select 1") == 1
    process.kill()
    (folder / "lock").unlink()
    assert soon(lambda: not (folder / "pgdata" / "postmaster.pid").exists())
    with EmbeddedPostgres(folder) as server:
        assert value(server.url, "select 1") == 1


@needs_linux
def test_a_start_waits_for_the_server_of_a_dead_owner(owner: Any, place: Path) -> None:
    process, pid, _ = owner("plain", str(place / "data"))
    supervisor = parent_of(pid)
    os.kill(supervisor, signal.SIGSTOP)  # so that the server outlives its owner for a while
    process.kill()
    process.wait()
    timer = threading.Timer(0.5, os.kill, (supervisor, signal.SIGCONT))
    timer.start()
    with EmbeddedPostgres(place / "data") as server:
        assert not lives(pid)
        assert value(server.url, "select 1") == 1
    timer.join()
