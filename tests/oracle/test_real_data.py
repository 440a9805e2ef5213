"""Real catalogue data, where it lies beside the checkout: stored = live = the source's counts."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from support import oracle
from support.builders import World

# One complete text, one of single books with gaps, one with verses beyond the canon's end.
TRANSLATIONS = ("kjv", "oeb", "wmth")
# Two complete New Testaments, a smaller one, and one that numbers its books differently.
FILESETS = ("ABIWBT", "MAASJV", "NSUWBT", "RUSS76")

Canon = dict[tuple[str, int], int]


def rows(path: Path) -> Iterator[dict[str, str]]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    yield from csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""))


def numbers(ranges: str) -> Iterator[int]:
    """Yield the verse numbers of `1-15 17-31`."""
    for part in ranges.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def load_canon(connection: Connection[Any], path: Path) -> Canon:
    connection.execute("insert into bible_versions (id, name) values ('eng', 'English')")
    books: dict[str, tuple[str, int]] = {}
    chapters: Canon = {}
    for row in rows(path):
        books[row["book"]] = (row["name"], int(row["book_number"]))
        chapters[row["book"], int(row["chapter"])] = int(row["total_verses"])
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into books (id, name, book_number, bible_version_id)"
            " values (%s, %s, %s, 'eng')",
            [(book, name, number) for book, (name, number) in books.items()],
        )
        with cursor.copy(
            "copy chapters (id, chapter_number, book_id, total_verses) from stdin"
        ) as c:
            for (book, chapter), total in chapters.items():
                c.write_row((f"{book}-{chapter}", chapter, book, total))
        with cursor.copy("copy verses (id, verse_number, chapter_id) from stdin") as c:
            for (book, chapter), total in chapters.items():
                for verse in range(1, total + 1):
                    c.write_row((f"{book}-{chapter}-{verse}", verse, f"{book}-{chapter}"))
    return chapters


@pytest.fixture
def session(database: str) -> Iterator[Connection[Any]]:
    """A database of its own: rolled back, these many rows would slow down whoever comes next."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def canon(session: Connection[Any], shared_data: Path) -> Canon:
    loaded = load_canon(session, shared_data / "canon_eng_protestant.csv")
    session.execute("delete from progress.unsettled_change")
    session.execute("analyze")
    return loaded


def summary(connection: Connection[Any], kind: str, version: UUID) -> dict[str, int]:
    row = connection.execute(
        "select covered_verses, total_verses, chapters_with_any, complete_chapters,"
        " total_chapters, books_complete, total_books from progress.version_rollup"
        " where kind = %s and version_id = %s",
        [kind, version],
    ).fetchone()
    assert row is not None
    names = ("verses", "of_verses", "any", "chapters", "of_chapters", "books", "of_books")
    return dict(zip(names, row, strict=True))


def expected(canon: Canon, covered: Counter[tuple[str, int]]) -> dict[str, int]:
    """Count a summary from verses per chapter."""
    complete = {place for place, verses in covered.items() if verses == canon[place]}
    chapters_of: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)
    for place in canon:
        chapters_of[place[0]].add(place)
    return {
        "verses": covered.total(),
        "of_verses": 31102,
        "any": len(covered),
        "chapters": len(complete),
        "of_chapters": 1189,
        "books": sum(chapters <= complete for chapters in chapters_of.values()),
        "of_books": 66,
    }


def test_packaged_translations_count_as_their_source_says(
    session: Connection[Any], shared_data: Path, canon: Canon
) -> None:
    world = World(session)
    versions = {name: world.text_version("eng", name=name) for name in TRANSLATIONS}
    covered: dict[str, Counter[tuple[str, int]]] = {name: Counter() for name in TRANSLATIONS}
    with (
        session.cursor() as cursor,
        cursor.copy("copy verse_texts (text_version_id, verse_id, verse_text) from stdin") as copy,
    ):
        for row in rows(shared_data / "text_coverage.csv.gz"):
            name, place = row["translation"], (row["book"], int(row["chapter"]))
            if name not in versions:
                continue
            for verse in numbers(row["verses"]):
                # Some texts number verses that the canon does not have.
                if verse <= canon[place]:
                    copy.write_row((versions[name], f"{place[0]}-{place[1]}-{verse}", "x"))
                    covered[name][place] += 1
    # The comparison reads everything at once and wants good plans; a drain does not need them.
    session.execute("analyze")
    oracle.drain(session)
    oracle.assert_same(session)
    for name, version in versions.items():
        assert summary(session, "text", version) == expected(canon, covered[name]), name
    assert summary(session, "text", versions["kjv"])["books"] == 66


def test_recorded_chapters_count_as_their_source_says(
    session: Connection[Any], shared_data: Path, canon: Canon
) -> None:
    world = World(session)
    versions = {name: world.audio_version("eng", name=name) for name in FILESETS}
    covered: dict[str, Counter[tuple[str, int]]] = {name: Counter() for name in FILESETS}
    with (
        session.cursor() as cursor,
        cursor.copy(
            "copy media_files (audio_version_id, chapter_id, upload_status, publish_status,"
            " original_filename, duration_seconds) from stdin"
        ) as copy,
    ):
        for row in rows(shared_data / "audio_chapters.csv.gz"):
            name, place = row["fileset_id"], (row["book"], int(row["chapter"]))
            if name in versions:
                copy.write_row(
                    (
                        versions[name],
                        f"{place[0]}-{place[1]}",
                        "completed",
                        "published",
                        row["file_name"] + ".mp3",
                        row["seconds"],
                    )
                )
                covered[name][place] = canon[place]
    assert all(covered.values()), "a fileset is not in the data"
    # The comparison reads everything at once and wants good plans; a drain does not need them.
    session.execute("analyze")
    oracle.drain(session)
    oracle.assert_same(session)
    for name, version in versions.items():
        assert summary(session, "audio", version) == expected(canon, covered[name]), name
