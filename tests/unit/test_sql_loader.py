"""The SQL that ships: every file is reached, every statement has a name, none is empty."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

import bible_progress
from bible_progress import sql

ROOT = Path(str(files(sql.__name__)))
SOURCES = Path(bible_progress.__file__).parent
QUERIES = sorted(path.stem for path in (ROOT / "queries").glob("*.sql"))


def test_the_manifest_lists_every_file_once() -> None:
    listed = sql.manifest()
    assert len(set(listed)) == len(listed)
    shipped = {
        path.relative_to(ROOT).as_posix()
        for folder in ("migrations", "objects", "strategies")
        for path in (ROOT / folder).rglob("*.sql")
    }
    assert {
        path for path in listed if path.startswith(("migrations/", "objects/", "strategies/"))
    } - {path for path in listed if not (ROOT / path).exists()} == shipped
    for path in listed:
        assert sql.read(path).strip()


def test_what_stands_for_another_is_read_as_it_and_listed_behind_it() -> None:
    copies = [path for path in sql.manifest() if not (ROOT / path).exists()]
    assert "objects/live/audio_book_coverage.sql" in copies
    for path in copies:
        text = sql.read(path)
        assert f"create view progress.{Path(path).stem}\n" in text or (
            f" public.{Path(path).stem}\n" in text or f" public.{Path(path).stem} as\n" in text
        )
        assert "-- progress: also" not in text
    text = sql.read("objects/live/audio_book_coverage.sql")
    assert "where b.kind = 'audio'" in text
    assert "text" not in text
    assert "progress.stored_chapters" in sql.read("objects/live/stored_book_sums.sql")


def test_migrations_come_first_and_in_order() -> None:
    listed = sql.manifest()
    migrations = [path for path in listed if path.startswith("migrations/")]
    assert list(listed[: len(migrations)]) == sorted(migrations)


@pytest.mark.parametrize("name", QUERIES)
def test_every_statement_has_a_name_of_its_own(name: str) -> None:
    headings = re.findall(r"^-- name: (.*)$", sql.read(f"queries/{name}.sql"), re.MULTILINE)
    found = sql.queries(name)
    assert list(found) == headings
    for statement in found.values():
        assert re.sub(r"--.*", "", statement).strip()
        assert not statement.startswith("-- name")


def test_a_file_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        sql.queries("no_such_file")


def test_statements_are_read_once() -> None:
    assert sql.queries(QUERIES[0]) is sql.queries(QUERIES[0])


@pytest.mark.parametrize("name", QUERIES)
def test_every_statement_is_used(name: str) -> None:
    python = "\n".join(path.read_text() for path in SOURCES.rglob("*.py"))
    for statement in sql.queries(name):
        # Some are named by a variable part: add_{kind}_version, insert_{table}.
        pattern = re.sub(r"_(audio|text)_", "_{kind}_", statement)
        pattern = re.sub(r"^insert_(books|chapters|verses)$", "insert_{table}", pattern)
        assert any(f'"{used}"' in python for used in (statement, pattern)), statement


def test_python_holds_no_sql_of_its_own() -> None:
    statement = re.compile(r"""execute\(\s*f?["'](?!drop )""")
    for path in SOURCES.rglob("*.py"):
        assert not statement.search(path.read_text()), path.name
