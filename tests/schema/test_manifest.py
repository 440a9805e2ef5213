"""The SQL files: each listed once, named after what it makes, commented."""

import re
from pathlib import Path

import pytest

from bible_progress import sql
from bible_progress.installing.schema import LAST

pytestmark = pytest.mark.quick

ROOT = Path(sql.__file__).parent
OBJECTS = [path for path in sql.manifest() if path.startswith(("objects/", "strategies/"))]
_CREATED = re.compile(
    r"^create (?:or replace )?(function|procedure|view|materialized view)\s+"
    r"(?:if not exists )?(?:(\w+)\.)?(\w+)",
    re.MULTILINE,
)
_COMMENTED = re.compile(
    r"^comment on (function|procedure|view|materialized view) (\w+)\.(\w+)", re.MULTILINE
)


def created(path: str) -> list[tuple[str, str, str]]:
    """Return (what, schema, name) of what a file makes."""
    return _CREATED.findall(sql.read(path))


def test_every_file_is_listed_once_and_every_listed_file_is_there() -> None:
    listed = sql.manifest()
    assert len(set(listed)) == len(listed)
    migrations = {f"migrations/{path.name}" for path in (ROOT / "migrations").iterdir()}
    objects = {
        path.relative_to(ROOT).as_posix()
        for folder in ("objects", "strategies")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }
    assert {path for path in listed if (ROOT / path).exists()} == {*objects, *migrations, *LAST}


def test_migrations_come_first_in_their_order_and_what_needs_all_objects_last() -> None:
    listed = sql.manifest()
    migrations = [path for path in listed if path.startswith("migrations/")]
    assert listed[: len(migrations)] == tuple(sorted(migrations))
    numbers = [int(Path(path).name[:4]) for path in migrations]
    assert numbers == list(range(1, len(numbers) + 1))
    assert listed[-len(LAST) :] == LAST


def is_named_after_what_it_makes(path: str) -> bool:
    stem = Path(path).stem
    made = created(path)
    if [name for _, _, name in made] != [stem]:
        return False
    [(what, where, _)] = made
    return (
        path.startswith("strategies/")
        or what == "view"
        or where == ("public" if stem.startswith("progress_") else "progress")
    )


def test_files_are_named_after_what_they_make_and_make_nothing_else() -> None:
    assert [path for path in OBJECTS if not is_named_after_what_it_makes(path)] == []
    strategies = {Path(path).parent.name for path in OBJECTS if path.startswith("strategies/")}
    assert strategies == {"views", "matview", "incremental"}


def test_files_comment_on_what_they_make() -> None:
    made = {path: set(created(path)) for path in OBJECTS}
    said = {path: set(_COMMENTED.findall(sql.read(path))) for path in OBJECTS}
    assert [path for path in OBJECTS if made[path] != said[path]] == []


def test_functions_are_replaced_in_place() -> None:
    """A view is dropped first, because replacing one cannot change its columns."""
    replaced = [
        path for path in OBJECTS if path.startswith("objects/") and created(path)[0][0] != "view"
    ]
    assert replaced
    in_place = re.compile(r"^create (?!or replace )", re.MULTILINE)
    assert [path for path in replaced if in_place.search(sql.read(path))] == []


def test_migrations_call_no_function_and_read_no_view_of_ours() -> None:
    """Those change under a migration, which must do the same for ever."""
    names = {
        f"{schema or 'progress'}.{name}" for path in OBJECTS for _, schema, name in created(path)
    }
    for path in sql.manifest():
        if path.startswith("migrations/"):
            # What is made anew with other parameters goes before.
            text = re.sub(r"^drop \w+ if exists .+;$", "", sql.read(path), flags=re.MULTILINE)
            used = {name for name in names if re.search(rf"\b{name}\b", text)}
            assert used == set(), path
