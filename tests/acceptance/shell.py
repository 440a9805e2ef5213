"""Commands of a page, run as a person runs them: our program and the server's own at hand."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from acceptance.command_line import GIVE_UP_SECONDS, PROGRAM, CommandLine, Finished
from bible_progress.embedded.binaries import find_binaries


def require(*programs: str) -> None:
    """Skip the test where the server's own version of one of these is missing."""
    missing = [name for name in programs if not (find_binaries() / name).exists()]
    if missing:
        pytest.skip(f"no {', '.join(missing)} of the server's own version")


def shell(commands: str, folder: Path, **variables: str) -> Finished:
    """Run commands in `folder` until one fails."""
    environment = CommandLine(None).environment({"LC_ALL": "C", **variables})
    places = (str(PROGRAM.parent), str(find_binaries()), environment["PATH"])
    done = subprocess.run(
        ["/bin/sh", "-ec", commands],
        cwd=folder,
        env=environment | {"PATH": os.pathsep.join(places)},
        capture_output=True,
        text=True,
        timeout=GIVE_UP_SECONDS,
        check=False,
    )
    return Finished(code=done.returncode, out=done.stdout, err=done.stderr)
