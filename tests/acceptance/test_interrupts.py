"""Ctrl-C and SIGTERM at any moment: exit code 130, no traceback, nothing left behind."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from acceptance.command_line import CommandLine, finish, interrupt, soon

# Sends itself a signal in the middle of an import, the n-th after the program began to listen.
INTERRUPTED = """
import os, signal, sys

before, number, at = [], int(sys.argv[1]), int(sys.argv[2])
sys.argv[:3] = ["bible-progress"]

class Finder:
    seen = 0

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            before.append(name)
            return
        cls.seen += 1
        if cls.seen == at:
            os.write(1, b"sent")
            os.kill(os.getpid(), number)

sys.meta_path.insert(0, Finder)
from bible_progress.__main__ import main
assert before == ["bible_progress", "bible_progress.__main__"], before
sys.exit(main())
"""
NOWHERE = "postgresql://127.0.0.1:1/nowhere"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
@pytest.mark.parametrize("at", [1, 2, 5, 12, 30, 70, 110, 150])
@pytest.mark.parametrize("command", ["status", "serve"])
def test_a_signal_during_any_import_ends_a_command_without_a_word(
    command: str, at: int, number: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(int(number)), str(at), command],
        env=CommandLine(NOWHERE).environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        ended = finish(process)
    assert ended.out == "sent", ended
    assert ended.code == 130, ended
    assert ended.err in ("", "interrupted\n")


def has(place: Path, wanted: str) -> bool:
    """Whether the demo's database has come so far."""
    try:
        [socket] = place.glob("*/s")
        with psycopg.connect(f"postgresql://postgres@/?host={socket}") as connection:
            return connection.execute(wanted.encode()).rowcount > 0
    except (ValueError, psycopg.Error):
        return False


MOMENTS: dict[str, Callable[[Path], bool]] = {
    "its folder is there": lambda place: bool(list(place.iterdir())),
    "the server starts": lambda place: bool(list(place.glob("*/pgdata/postmaster.pid"))),
    "it is installed": lambda place: has(place, "select from progress.settings"),
    "texts are loaded": lambda place: has(place, "select from text_versions"),
    "recordings are loaded": lambda place: has(place, "select from audio_versions"),
    "drains have begun": lambda place: has(place, "select from progress.version_rollup"),
}


@pytest.fixture
def place() -> Iterator[Path]:
    """Where the demo puts its temporary folders; every account can enter it."""
    folder = Path(tempfile.mkdtemp(prefix="bp-demo-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_a_demo_that_is_interrupted_on_its_way_leaves_nothing_behind(
    place: Path, moment: Callable[[Path], bool]
) -> None:
    with CommandLine(None).started("demo", env={"TMPDIR": str(place)}) as process:
        assert soon(lambda: moment(place), 200)
        ended = interrupt(process, signal.SIGINT, 200)
    assert ended.code in (130, 0), ended  # 0 once it says that it stays up
    assert "Traceback" not in ended.err
    assert list(place.iterdir()) == []
    listing = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True)
    assert [line for line in listing.stdout.splitlines() if str(place) in line] == []
