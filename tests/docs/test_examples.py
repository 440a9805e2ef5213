"""The SQL of the pages runs, and the examples of the rules count what they say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from doc_pages import blocks, fences, name_of, pages, rows, section, text
from psycopg import Connection, Cursor

from bible_progress.importers.canon import load_canon, packaged_canon
from support import oracle
from support.builders import World

CANON = "eng-protestant"
RULES = "docs/reference/what-counts.md"

# Generated signatures, and what only pg_cron understands.
_NOT_RUN = ("docs/reference/sql.md",)
# tests/security/test_doors.py runs these, where there are such roles.
_NEEDS_API_ROLES = re.compile(r"\bto (?:anon|authenticated|service_role)\b")
_NEEDS_CRON = re.compile(r"\bcron\.|progress\.(?:un)?schedule\(")


@pytest.fixture
def bible(conn: Connection[Any]) -> World:
    """The canon that ships, loaded."""
    load_canon(conn, packaged_canon(), bible_version_id=CANON, name="English Protestant")
    return World(conn)


@pytest.mark.parametrize(
    "page",
    [
        page
        for page in pages()
        if fences(page.read_text(encoding="utf-8"), "sql") and name_of(page) not in _NOT_RUN
    ],
    ids=name_of,
)
def test_the_sql_of_a_page_runs(page: Path, bible: World) -> None:
    bible.connection.execute("create role web")
    if name_of(page) == "docs/how-to/partition-tables.md":  # which makes that table
        bible.connection.execute("drop table public.verse_texts cascade")
    for block in fences(page.read_text(encoding="utf-8"), "sql"):
        if _NEEDS_CRON.search(block) or _NEEDS_API_ROLES.search(block):
            continue
        # The transaction is the test's own.
        inside = re.sub(r"^ *(?:begin|rollback);$", "", block, flags=re.MULTILINE)
        bible.connection.execute(inside)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verse_text", "deleted", "covers"),
    [tuple(row) for row in rows(section(text(RULES), "2. Texts"))],
)
def test_text_examples_count_what_they_say(
    bible: World, verse_text: str, deleted: str, covers: str
) -> None:
    assert covers in {"yes", "no"}
    version = bible.text_version(CANON)
    value = {"NULL": None, "empty": ""}.get(verse_text, _unescaped(verse_text))
    bible.text(version, ["gen-1-1"], value)
    if deleted == "set":
        bible.connection.execute("update verse_texts set deleted_at = now()")
    assert _covered(bible, "text") == (1 if covers == "yes" else 0)


@pytest.mark.parametrize(
    ("chapter", "start", "end", "timings", "covers"),
    [tuple(row) for row in rows(section(text(RULES), "3. Recordings"))],
)
def test_recording_examples_count_what_they_say(
    bible: World, chapter: str, start: str, end: str, timings: str, covers: str
) -> None:
    recording = bible.recording(
        bible.audio_version(CANON),
        chapter=chapter or None,
        start=start or None,
        end=end or None,
    )
    bible.timings(recording, timings.split())
    assert _covered(bible, "audio") == int(covers)


def _unescaped(value: str) -> str:
    return (
        re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), value)
        .replace(r"\t", "\t")
        .replace(r"\n", "\n")
    )


def _covered(bible: World, kind: str) -> int:
    row = bible.connection.execute(
        "select covered_verses from progress.live_versions where kind = %s",
        [kind],
    ).fetchone()
    assert row is not None
    return row[0]


def test_one_write_leaves_the_rows_that_the_architecture_shows(bible: World) -> None:
    version = bible.text_version(CANON)
    bible.text(version, [f"ruth-1-{number}" for number in range(1, 23)])
    bible.text(version, ["ruth-2-1"], " ")
    oracle.drain(bible.connection)
    page = section(text("docs/explanation/architecture.md"), "One write, followed")
    shown = blocks(page)
    assert [language for language, _ in shown] == ["sql", *["sql", "text"] * 7]
    bible.connection.execute(shown[0][1])  # type: ignore[arg-type]
    for (_, statement), (_, answer) in zip(shown[1::2], shown[2::2], strict=True):
        assert _as_psql_shows(bible.connection.execute(statement)) == answer


def _as_psql_shows(cursor: Cursor[Any]) -> str:
    """Return rows as psql prints them, without their number."""
    assert cursor.description
    names = [column.name for column in cursor.description]
    found = cursor.fetchall()
    cells = [[str(value) for value in row] for row in found]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    numeric = [isinstance(value, int) for value in found[0]]
    lines = [
        " | ".join(name.center(width) for name, width in zip(names, widths, strict=True)),
        "-+-".join("-" * width for width in widths),
        *(
            " | ".join(
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(row, widths, numeric, strict=True)
            )
            for row in cells
        ),
    ]
    lines[1] = f"-{lines[1]}-"
    return "".join(
        f" {line}".rstrip() + "\n" if place != 1 else f"{line}\n"
        for place, line in enumerate(lines)
    )
