"""Folders of the embedded server: which may be used, who holds them, what dead runs left."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from ..errors import EmbeddedFailed
from .binaries import BINARIES_VARIABLE, Account, can_enter

if sys.platform != "win32":
    import fcntl

LOG_NAME = "postgres.log"
STAGING_PREFIX = ".initdb-"
_LOCK_NAME = "lock"
_RUN_PREFIX = "bible-progress-run-"
# What a dead run left is removed only when it is older than this, so that a folder that is just
# being made is never taken for dead.
_SWEEP_SECONDS = 60.0
# How long the server of a process that is dead already may take to shut down.
_TAKE_OVER_SECONDS = 60.0


def new_run_folder(root: Path, account: Account | None) -> tuple[Path, int]:
    """Make a private folder for one run inside `root`; return it and the lock that holds it.

    Folders of dead runs, ours and those of the server's `account`, are removed from `root`.
    """
    _sweep(root, account)
    folder = Path(tempfile.mkdtemp(prefix=_RUN_PREFIX, dir=root))
    try:
        return folder, _lock(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def give(folder: Path, account: Account | None) -> None:
    """Make `account` the owner of a folder that we made."""
    if account is not None:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)


def hold_data_folder(home: Path, account: Account | None) -> int:
    """Make the data folder, or check that it can be used; return the lock that holds it.

    Raises EmbeddedFailed when `account` cannot enter it, when it holds something else, or when
    another process uses it.
    """
    missing = [folder for folder in (home, *home.parents) if not folder.exists()]
    nearest = missing[-1].parent if missing else home
    if not nearest.is_dir():
        raise EmbeddedFailed(f"{nearest} is not a folder")
    if account is not None and not can_enter(nearest, account):
        raise EmbeddedFailed(
            f"PostgreSQL runs as {account.name}, who cannot enter {nearest}",
            hint="Choose a folder in a place that everyone can enter, such as /var/lib, or run "
            "this as an ordinary user.",
        )
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        if account is not None:
            folder.chmod(0o755)
    names = {path.name for path in home.iterdir() if not path.name.startswith(STAGING_PREFIX)}
    if "pgdata" not in names and names - {_LOCK_NAME, LOG_NAME}:
        raise EmbeddedFailed(
            f"{home} is not empty, and it was not made for the embedded PostgreSQL",
            hint="Choose an empty folder, or one that does not exist yet.",
        )
    lock = _lock(home)
    for left_over in home.glob(f"{STAGING_PREFIX}*"):
        shutil.rmtree(left_over, ignore_errors=True)
    return lock


def check_cluster(data: Path, account: Account | None, major: str) -> None:
    """Raise EmbeddedFailed unless `data` is a cluster of this account and major version."""
    uid = os.geteuid() if account is None else account.uid
    owner = data.stat().st_uid
    if owner != uid:
        raise EmbeddedFailed(
            f"{data} belongs to user {owner}, but the server would run as user {uid}",
            hint="Run this as the user who made it, or choose another folder.",
        )
    version = data / "PG_VERSION"
    if not version.is_file():
        raise EmbeddedFailed(f"{data} is not a data folder of PostgreSQL")
    made_with = version.read_text(errors="replace").strip()
    if made_with != major:
        raise EmbeddedFailed(
            f"{data} was made by PostgreSQL {made_with}, but the programs here are {major}",
            hint=f"Set {BINARIES_VARIABLE} to the bin folder of a PostgreSQL {made_with}, or "
            "choose another folder.",
        )


def _lock(folder: Path) -> int:
    """Take the lock of a folder; the descriptor is handed on to every process of the server."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    lock = os.open(folder / _LOCK_NAME, flags, 0o600)
    deadline = time.monotonic() + _TAKE_OVER_SECONDS
    try:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            holder = os.pread(lock, 32, 0).decode(errors="replace").strip()
            if _lives(holder) or time.monotonic() > deadline:
                raise EmbeddedFailed(
                    f"another embedded PostgreSQL (started by process {holder}) uses {folder}",
                    hint="Stop it first, or choose another folder.",
                )
            time.sleep(0.05)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    except BaseException:
        os.close(lock)
        raise
    return lock


def unlock(lock: int) -> None:
    """Give a lock back, also where a fork of this process still has the descriptor."""
    fcntl.flock(lock, fcntl.LOCK_UN)
    os.close(lock)


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except OSError:
        return True
    return True


def _sweep(root: Path, account: Account | None) -> None:
    """Remove what runs left whose every process was killed. Only folders of ours, never held."""
    owners = {os.geteuid(), os.geteuid() if account is None else account.uid}
    for folder in root.glob(f"{_RUN_PREFIX}*"):
        with suppress(OSError):
            info = folder.lstat()
            if not stat.S_ISDIR(info.st_mode) or info.st_uid not in owners:
                continue
            if time.time() - info.st_mtime < _SWEEP_SECONDS:
                continue
            # Made where it is missing: who was killed while removing may have begun with it.
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
            lock = os.open(folder / _LOCK_NAME, flags, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
