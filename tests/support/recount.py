"""Coverage counted again in Python from the base tables alone: the rules, written a second time.

It shares nothing with the SQL but the tables, so that an error has to be made twice to pass.
"""

from __future__ import annotations

import math
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

# Default_Ignorable_Code_Point beyond category Cf: joiners, fillers, inherent vowels, selectors.
_UNSEEN = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2065\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000))))
)
# Letters drawn as lines.
_DASHES = frozenset("\u0640\u07fa\u30fc\uff70")
# Blocks of symbols that are writing: Braille, Sutton SignWriting, ligatures of Arabic words.
_WRITING = (
    range(0x2801, 0x2900),
    range(0x1D800, 0x1DAB0),
    range(0xFD40, 0xFD50),
    range(0xFDCF, 0xFDD0),
    range(0xFDFD, 0xFE00),
)


@dataclass(slots=True)
class Recount:
    """What each version covers, by (kind, version id)."""

    verses: dict[tuple[str, UUID], set[str]] = field(default_factory=dict)
    chapters: dict[tuple[str, UUID], dict[str, tuple[int, int]]] = field(default_factory=dict)
    books: dict[tuple[str, UUID], dict[str, tuple[int, int, int, int, int]]] = field(
        default_factory=dict
    )
    versions: dict[tuple[str, UUID], tuple[int, int, int, int, int, int, int]] = field(
        default_factory=dict
    )
    best: dict[tuple[str, UUID], UUID] = field(default_factory=dict)


def recount(connection: Connection[Any]) -> Recount:
    """Count everything from the base tables of this connection's snapshot."""
    tables = _tables(connection)
    books = {row["id"]: row for row in tables["books"]}
    chapters = {row["id"]: row for row in tables["chapters"]}
    verses = {row["id"]: row for row in tables["verses"]}
    files = {row["id"]: row for row in tables["media_files"]}

    def canon_of(verse_id: str | None) -> str | None:
        # Hosts without foreign keys have verses of no chapter, and chapters of no book.
        chapter = chapters.get(verses[verse_id]["chapter_id"]) if verse_id in verses else None
        book = books.get(chapter["book_id"]) if chapter else None
        return book["bible_version_id"] if book else None

    def position(verse_id: str) -> tuple[int, str, int, str, int]:
        verse = verses[verse_id]
        chapter = chapters[verse["chapter_id"]]
        book = books[chapter["book_id"]]
        return (
            book["book_number"],
            book["id"],
            chapter["chapter_number"],
            chapter["id"],
            verse["verse_number"],
        )

    result = Recount()
    live = [("audio", row) for row in tables["audio_versions"] if row["deleted_at"] is None]
    live += [("text", row) for row in tables["text_versions"] if row["deleted_at"] is None]
    for kind, version in live:
        canon = version["bible_version_id"]
        claimed: set[str] = set()
        if kind == "text":
            claimed = {
                row["verse_id"]
                for row in tables["verse_texts"]
                if row["text_version_id"] == version["id"]
                and row["deleted_at"] is None
                and is_text(row["verse_text"])
            }
        else:
            for file in files.values():
                if file["audio_version_id"] != version["id"] or not _counts(file):
                    continue
                start, end = file["start_verse_id"], file["end_verse_id"]
                if start is None:
                    claimed |= {v for v in verses if verses[v]["chapter_id"] == file["chapter_id"]}
                else:
                    end = end if end is not None else start
                    if canon is not None and canon_of(start) == canon_of(end) == canon:
                        first, last = position(start), position(end)
                        claimed |= {
                            v
                            for v in verses
                            if canon_of(v) == canon and first <= position(v) <= last
                        }
                claimed |= {
                    row["verse_id"]
                    for row in tables["media_files_verses"]
                    if row["media_file_id"] == file["id"] and row["deleted_at"] is None
                }
        _tally(result, (kind, version["id"]), canon, claimed, books, chapters, verses, canon_of)
    _choose_best(result, live)
    return result


def _tally(
    result: Recount,
    key: tuple[str, UUID],
    canon: str | None,
    claimed: set[str],
    books: dict[str, Any],
    chapters: dict[str, Any],
    verses: dict[str, Any],
    canon_of: Any,
) -> None:
    covered = {v for v in claimed if canon is not None and canon_of(v) == canon}
    result.verses[key] = covered
    result.chapters[key] = {}
    result.books[key] = {}
    of_chapter: dict[str, list[str]] = defaultdict(list)
    for verse_id, verse in verses.items():
        of_chapter[verse["chapter_id"]].append(verse_id)
    books_complete = total_books = 0
    totals = [0, 0, 0, 0, 0]
    for book in (b for b in books.values() if b["bible_version_id"] == canon):
        tally = [0, 0, 0, 0, 0]
        for chapter in (c for c in chapters.values() if c["book_id"] == book["id"]):
            mine = of_chapter[chapter["id"]]
            have = sum(v in covered for v in mine)
            result.chapters[key][chapter["id"]] = (have, len(mine))
            complete = have == len(mine) and len(mine) > 0
            for at, amount in enumerate((have, len(mine), have > 0, complete, len(mine) > 0)):
                tally[at] += int(amount)
        result.books[key][book["id"]] = tuple(tally)  # type: ignore[assignment]
        # Books and chapters without verses are there, but none to count.
        total_books += tally[1] > 0
        books_complete += tally[0] == tally[1] and tally[1] > 0
        totals = [a + b for a, b in zip(totals, tally, strict=True)]
    result.versions[key] = (*totals, books_complete, total_books)  # type: ignore[assignment]


def _choose_best(result: Recount, live: list[tuple[str, Any]]) -> None:
    languages: dict[tuple[str, UUID], list[Any]] = defaultdict(list)
    for kind, version in live:
        if version["language_entity_id"] is not None:
            languages[kind, version["language_entity_id"]].append(version)
    for (kind, language), versions in languages.items():

        def rank(version: Any, kind: str = kind) -> Any:
            covered, total, any_, complete, chapters, books_complete, books = result.versions[
                kind, version["id"]
            ]
            return (
                -covered,
                -Fraction(covered, total or 1),
                -Fraction(any_ if kind == "audio" else complete, chapters or 1),
                -Fraction(books_complete, books or 1),
                -version["created_at"].timestamp() if version["created_at"] else math.inf,
                version["id"],
            )

        candidates = [v for v in versions if result.versions[kind, v["id"]][0] > 0]
        if candidates:
            result.best[kind, language] = min(candidates, key=rank)["id"]


def assert_live_matches(connection: Connection[Any]) -> None:
    """Assert that the logical views say what the recount says."""
    expected = recount(connection)
    found = Recount()
    run = connection.execute
    for key in expected.versions:
        found.verses[key] = set()
        found.chapters[key] = {}
        found.books[key] = {}
    rows = run("select kind, version_id, verse_id from progress.live_verses").fetchall()
    for kind, version, verse in rows:
        assert verse not in found.verses[kind, version], "a verse is listed twice"
        found.verses[kind, version].add(verse)
    for kind, version, chapter, *numbers in run(
        "select kind, version_id, chapter_id, covered_verses, total_verses"
        " from progress.live_chapters"
    ).fetchall():
        found.chapters[kind, version][chapter] = tuple(numbers)
    for kind, version, book, *numbers in run(
        "select kind, version_id, book_id, covered_verses, total_verses, chapters_with_any,"
        " complete_chapters, total_chapters from progress.live_books"
    ).fetchall():
        found.books[kind, version][book] = tuple(numbers)
    for kind, version, *numbers in run(
        "select kind, version_id, covered_verses, total_verses, chapters_with_any,"
        " complete_chapters, total_chapters, books_complete, total_books"
        " from progress.live_versions"
    ).fetchall():
        found.versions[kind, version] = tuple(numbers)
    for kind, language, version in run(
        "select kind, language_entity_id, version_id from progress.live_best_versions"
    ).fetchall():
        found.best[kind, language] = version
    assert found == expected


def _counts(file: dict[str, Any]) -> bool:
    return (
        file["deleted_at"] is None
        and file["media_type"] == "audio"
        and file["is_bible_audio"]
        and file["upload_status"] == "completed"
        and file["publish_status"] == "published"
    )


def is_text(text: str | None) -> bool:
    """Whether there is a letter, a number or a mark in it, or a symbol that is writing."""
    return text is not None and any(
        character not in _UNSEEN
        and character not in _DASHES
        and (
            (category := unicodedata.category(character))[0] in "LN"
            or category in ("Mn", "Mc", "Co", "Cn")
            or (category[0] == "S" and any(ord(character) in block for block in _WRITING))
        )
        for character in text
    )


def _tables(connection: Connection[Any]) -> dict[str, list[dict[str, Any]]]:
    names = (
        "books",
        "chapters",
        "verses",
        "audio_versions",
        "text_versions",
        "media_files",
        "media_files_verses",
        "verse_texts",
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        return {name: cursor.execute(f"select * from public.{name}").fetchall() for name in names}
