"""Packages of npm that tests run, each downloaded once into .venv."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

_PLACE = Path(__file__).resolve().parents[2] / ".venv" / "npm"
_SECONDS = 240


def npm_package(name: str, version: str) -> Path:
    """Return the folder whose `node_modules` holds exactly this version of a package.

    Whole or not at all, and by one process where several ask at once. Skips the test where npm is
    absent or cannot reach its registry.
    """
    folder = _PLACE / f"{name.replace('/', '-').lstrip('@')}-{version}"
    if folder.is_dir():
        return folder
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm (Debian: apt install npm)")
    _PLACE.mkdir(parents=True, exist_ok=True)
    with (_PLACE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _install(npm, f"{name}@{version}", folder)
    return folder


def npm_program(name: str, version: str, program: str | None = None) -> Path:
    """Return the path of a program that a package brings, by default that of its own name."""
    return npm_package(name, version) / "node_modules" / ".bin" / (program or name)


def _install(npm: str, wanted: str, folder: Path) -> None:
    staging = _PLACE / "new"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    # No scripts: what a package would fetch besides is not what its version pins.
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--no-save"]
    try:
        done = subprocess.run(
            [npm, "install", *flags, "--prefix", str(staging), wanted],
            cwd=staging,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm could not fetch {wanted} within {_SECONDS} s")
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no output"]
        pytest.skip(f"npm could not fetch {wanted}: {lines[0]}")
    staging.rename(folder)
