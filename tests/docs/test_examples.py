"""The SQL of the pages runs, and the examples of the rules count what they say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from doc_pages import fences, name_of, pages, rows, section, text
from psycopg import Connection

from bible_progress.importers.canon import load_canon, packaged_canon
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
