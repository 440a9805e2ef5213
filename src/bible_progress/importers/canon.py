"""A canon: which books, chapters and verses a Bible version has.

`read_canon` and `parse_canon` read CSV files (UTF-8, comma separated, columns in any order) in
one of two forms, `load_canon` writes a canon into the host tables:

    book,book_number,name,testament,verses                  a line for each book; `verses` is the
                                                            number of verses of chapter 1, 2, ...
    book,book_number,name,testament,chapter,total_verses    a line for each chapter
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

from psycopg import Connection, Cursor
from psycopg.rows import tuple_row

from ..errors import InputError, reason
from ..formatting import counted
from ..sql import queries

BY_BOOK = ("book", "book_number", "name", "testament", "verses")
BY_CHAPTER = ("book", "book_number", "name", "testament", "chapter", "total_verses")
TESTAMENTS = ("old", "new", "dc")

# No known canon comes near these; a larger number is a slip or another kind of file.
MOST_BOOKS = 999
MOST_CHAPTERS = 200
MOST_VERSES = 300
# Bytes: more than the longest line of a canon, 200 chapters, and than a whole one by chapter.
LONGEST_LINE = 1_000_000

_BOOK_ID = re.compile(r"[a-z0-9]+")
_ID_PREFIX = re.compile(r"[A-Za-z0-9_.-]*")
_NUMBER = re.compile(r"[0-9]{1,9}")
_HEADERS = f"The header is {','.join(BY_BOOK)} or {','.join(BY_CHAPTER)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class CanonBook:
    """A book; `verses` holds the number of verses of each chapter, from chapter 1."""

    id: str
    number: int
    name: str
    testament: str
    verses: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Canon:
    """Books in the order of their numbers."""

    books: tuple[CanonBook, ...]

    @property
    def total_chapters(self) -> int:
        return sum(len(book.verses) for book in self.books)

    @property
    def total_verses(self) -> int:
        return sum(sum(book.verses) for book in self.books)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """The size of the loaded canon; `changed` is False if the database held it already."""

    books: int
    chapters: int
    verses: int
    changed: bool


@cache
def packaged_canon() -> Canon:
    """Return the usual English Protestant canon: 66 books, 1,189 chapters, 31,102 verses."""
    name = "canon_eng_protestant.csv"
    return parse_canon(files("bible_progress").joinpath("data", name).read_bytes(), source=name)


def read_canon(path: Path) -> Canon:
    """Return the canon in the CSV file at `path`.

    Raises InputError for a file that cannot be read or that `parse_canon` refuses.
    """
    try:
        with path.open("rb") as file:
            return _parsed(file, str(path))
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {reason(error)}") from error


def parse_canon(data: bytes, *, source: str) -> Canon:
    """Return the canon in the bytes of a CSV file; `source` names the file in errors.

    Raises InputError, naming file and line, for the first thing that is not as it should be.
    """
    return _parsed(io.BytesIO(data), source)


def _parsed(file: IO[bytes], source: str) -> Canon:
    drafts: dict[str, _Draft] = {}
    id_of_number: dict[int, str] = {}
    for where, row in _rows(file, source):
        draft = _draft(row, where)
        other = id_of_number.setdefault(draft.number, draft.id)
        if other != draft.id:
            raise InputError(f"{where}: book_number {draft.number} is taken by book {other!r}")
        first = drafts.setdefault(draft.id, draft)
        if first is not draft:
            first.extend(draft)
    if not drafts:
        raise InputError(f"{source}: no books, expected lines after the header")
    in_order = sorted(drafts.values(), key=lambda draft: draft.number)
    return Canon(books=tuple(draft.book() for draft in in_order))


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A book while its lines are read; `verses` by chapter number."""

    where: str
    id: str
    number: int
    name: str
    testament: str
    verses: dict[int, int]

    def extend(self, more: _Draft) -> None:
        labels = (self.number, self.name, self.testament)
        if labels != (more.number, more.name, more.testament):
            raise InputError(
                f"{more.where}: book {self.id!r} with another book_number, name or testament "
                f"than in {self.where}"
            )
        again = self.verses.keys() & more.verses.keys()
        if again:
            raise InputError(f"{more.where}: book {self.id!r} has chapter {min(again)} already")
        self.verses |= more.verses

    def book(self) -> CanonBook:
        last = max(self.verses)
        for chapter in range(1, last):
            if chapter not in self.verses:
                raise InputError(
                    f"{self.where}: book {self.id!r} lacks chapter {chapter}, "
                    f"expected 1 to {last} without gaps"
                )
        return CanonBook(
            id=self.id,
            number=self.number,
            name=self.name,
            testament=self.testament,
            verses=tuple(self.verses[chapter] for chapter in range(1, last + 1)),
        )


def _lines(file: IO[bytes], source: str) -> Iterator[str]:
    """Yield the lines of a file as text, one in memory at a time, each with its end."""
    number = 0
    while raw := file.readline(LONGEST_LINE + 1):
        if number == 0:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        if len(raw) > LONGEST_LINE:
            raise InputError(
                f"{source}, line {number + 1}: longer than {LONGEST_LINE:,} bytes", hint=_HEADERS
            )
        # Lines may also end as they did on old Macintoshes.
        for line in raw.splitlines(keepends=True):
            number += 1
            try:
                yield line.decode()
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{source}, line {number}: the file must be UTF-8", hint=_HEADERS
                ) from error


def _rows(file: IO[bytes], source: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield where each line is and its values by column, after checking the header."""
    reader = csv.reader(_lines(file, source), strict=True)
    columns: list[str] = []
    line = 1
    try:
        for values in reader:
            where = f"{source}, line {line}"
            line = reader.line_num + 1
            values = [_clean(value, where) for value in values]
            if not values:
                continue
            if not columns:
                columns = values
                _check_header(columns, where)
            elif len(values) != len(columns):
                raise InputError(
                    f"{where}: {counted(len(values), 'value')}, expected {len(columns)}"
                )
            else:
                yield where, dict(zip(columns, values, strict=True))
    except csv.Error as error:
        raise InputError(f"{source}, line {line}: not readable as CSV: {error}") from error
    if not columns:
        raise InputError(f"{source}: the file is empty, expected a header", hint=_HEADERS)


def _clean(value: str, where: str) -> str:
    for character in value:
        if unicodedata.category(character) in ("Cc", "Zl", "Zp"):
            raise InputError(f"{where}: control character U+{ord(character):04X} in a value")
    return value.strip()


def _check_header(columns: list[str], where: str) -> None:
    expected = BY_BOOK if "verses" in columns else BY_CHAPTER
    problems = [f"column {name!r} is missing" for name in expected if name not in columns]
    problems += [f"column {name[:40]!r} is unknown" for name in columns if name not in expected]
    problems += [f"column {name!r} occurs twice" for name in expected if columns.count(name) > 1]
    if problems:
        raise InputError(f"{where}: {', '.join(problems)}", hint=_HEADERS)


def _draft(row: dict[str, str], where: str) -> _Draft:
    if not _BOOK_ID.fullmatch(row["book"]):
        raise InputError(f"{where}: book {row['book'][:40]!r}, expected letters a-z and digits")
    if not row["name"]:
        raise InputError(f"{where}: the name is empty")
    if row["testament"] not in TESTAMENTS:
        raise InputError(
            f"{where}: testament {row['testament'][:40]!r}, expected {' or '.join(TESTAMENTS)}"
        )
    if "verses" in row:
        counts = row["verses"].split(" ")
        if len(counts) > MOST_CHAPTERS:
            raise InputError(f"{where}: {len(counts)} chapters, expected at most {MOST_CHAPTERS}")
        verses = {
            chapter: _number(count, f"verses of chapter {chapter}", MOST_VERSES, where)
            for chapter, count in enumerate(counts, 1)
        }
    else:
        chapter = _number(row["chapter"], "chapter", MOST_CHAPTERS, where)
        verses = {chapter: _number(row["total_verses"], "total_verses", MOST_VERSES, where)}
    return _Draft(
        where=where,
        id=row["book"],
        number=_number(row["book_number"], "book_number", MOST_BOOKS, where),
        name=row["name"],
        testament=row["testament"],
        verses=verses,
    )


def _number(text: str, what: str, most: int, where: str) -> int:
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise InputError(f"{where}: {what} {text[:40]!r}, expected a whole number 1 to {most}")
    return int(text)


def load_canon(
    connection: Connection[Any],
    canon: Canon,
    *,
    bible_version_id: str,
    name: str,
    id_prefix: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> LoadReport:
    """Make the host tables hold `canon` as the bible version `bible_version_id`, called `name`.

    Ids are `gen`, `gen-1`, `gen-1-1`, each after `id_prefix`. Everything or nothing is written,
    in a transaction of its own or a savepoint of the one that is open. A bible version that is
    there already must be the same in every name and number, then nothing is written; only one
    without any books is filled. `progress` gets the rows done and in all, after each table.

    Raises InputError for a bible version that differs, for ids that belong to another one and
    for an unusable id, name or prefix. Errors of the database come as psycopg raises them.
    """
    for what, value in (("bible version id", bible_version_id), ("bible version name", name)):
        if not _clean(value, what):
            raise InputError(f"the {what} is empty")
    if not _ID_PREFIX.fullmatch(id_prefix):
        raise InputError(f"id prefix {id_prefix!r}, expected letters a-z, digits, '_', '.' and '-'")
    sql = queries("canon")
    values = _values(canon, bible_version_id, name, id_prefix)
    done, total = 0, len(canon.books) + canon.total_chapters + canon.total_verses
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        # First, so that a second loader of the same bible version waits here for this one.
        cursor.execute(sql["insert_bible_version"], values)
        changed = not _is_loaded(cursor, values)
        for table in ("books", "chapters", "verses") if changed else ():
            cursor.execute(sql[f"insert_{table}"], values)
            done += cursor.rowcount
            if progress:
                progress(done, total)
    if progress and not changed:
        progress(total, total)
    return LoadReport(
        books=len(canon.books),
        chapters=canon.total_chapters,
        verses=canon.total_verses,
        changed=changed,
    )


def _values(canon: Canon, bible_version_id: str, name: str, id_prefix: str) -> dict[str, Any]:
    """Return the parameters of the statements in canon.sql."""
    chapters = [
        (f"{id_prefix}{book.id}", book.number, chapter, verses)
        for book in canon.books
        for chapter, verses in enumerate(book.verses, 1)
    ]
    return {
        "bible_version_id": bible_version_id,
        "name": name,
        "book_ids": [f"{id_prefix}{book.id}" for book in canon.books],
        "book_numbers": [book.number for book in canon.books],
        "book_names": [book.name for book in canon.books],
        "testaments": [book.testament for book in canon.books],
        "chapter_ids": [f"{book_id}-{chapter}" for book_id, _, chapter, _ in chapters],
        "chapter_numbers": [chapter for _, _, chapter, _ in chapters],
        "chapter_book_ids": [book_id for book_id, _, _, _ in chapters],
        "chapter_book_numbers": [number for _, number, _, _ in chapters],
        "total_verses": [verses for _, _, _, verses in chapters],
    }


def _is_loaded(cursor: Cursor[tuple[Any, ...]], values: dict[str, Any]) -> bool:
    """Return whether the database holds the canon; False means that there is room for it.

    Raises InputError if neither is so.
    """
    sql = queries("canon")
    taken = cursor.execute(sql["id_of_another_version"], values).fetchone()
    if taken:
        level, row_id, owner = taken
        raise InputError(
            f"{level} id {row_id!r} belongs to bible version {owner!r}",
            hint="Nothing was written. Give this canon other ids with --id-prefix.",
        )
    version = f"bible version {values['bible_version_id']!r}"
    stored_name, is_empty = cursor.execute(sql["bible_version"], values).fetchone() or (None, False)
    if stored_name != values["name"]:
        raise InputError(
            f"{version} exists with the name {stored_name!r}, not {values['name']!r}",
            hint="Nothing was written. Use that name, or another bible version id.",
        )
    if is_empty:
        return False
    different = cursor.execute(sql["first_difference"], values).fetchone()
    if different:
        level, row_id, stored, wanted = different
        raise InputError(
            f"{version} exists with another structure: {level} {row_id!r} is ({stored}) in the "
            f"database and ({wanted}) in the canon to load",
            hint="Nothing was written. Load this canon as another bible version.",
        )
    return True
