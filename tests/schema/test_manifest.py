"""The SQL files: each listed once, named after what it makes, commented."""

import re
from pathlib import Path

import pytest

from bible_progress import sql
from bible_progress.installing.schema import LAST

pytestmark = pytest.mark.quick

ROOT = Path(sql.__file__).parent
OBJECTS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("objects", "strategies")
    for path in (ROOT / folder).rglob("*")
    if path.is_file()
)
_CREATED = re.compile(
    r"^create (?:or replace )?(function|procedure|view|materialized view|trigger)\s+"
    r"(?:if not exists )?(?:(\w+)\.)?(\w+)",
    re.MULTILINE,
)
_ON_TABLE = re.compile(
    r"^create or replace trigger \w+\n(?:after|before) [\w ]+ on (\w+\.\w+)\n", re.MULTILINE
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
    assert {path for path in listed if (ROOT / path).exists()} == {*OBJECTS, *migrations, *LAST}


def test_migrations_come_first_in_their_order_and_what_needs_all_objects_last() -> None:
    listed = sql.manifest()
    migrations = [path for path in listed if path.startswith("migrations/")]
    assert listed[: len(migrations)] == tuple(sorted(migrations))
    numbers = [int(Path(path).name[:4]) for path in migrations]
    assert numbers == list(range(1, len(numbers) + 1))
    assert listed[-len(LAST) :] == LAST


@pytest.mark.parametrize("path", OBJECTS)
def test_a_file_is_named_after_what_it_makes_and_makes_nothing_else(path: str) -> None:
    folder, stem = Path(path).parent.name, Path(path).stem
    made = created(path)
    if path.startswith("strategies/"):
        assert [name for _, _, name in made] == [stem]
        assert folder in {"views", "matview", "incremental"}
    elif folder != "triggers":
        [(what, where, name)] = made
        assert name == stem
        assert what in ("view", "function", "procedure")
        if what != "view":
            assert where == ("public" if folder == "clients" and stem != "sight" else "progress")
    else:
        triggers = [name for what, _, name in made if what == "trigger"]
        assert triggers
        assert _ON_TABLE.findall(sql.read(path)) == [f"public.{stem}"] * len(triggers)
        assert all(what in ("trigger", "function") for what, _, _ in made)


@pytest.mark.parametrize("path", OBJECTS)
def test_a_file_comments_on_what_it_makes(path: str) -> None:
    made = {thing for thing in created(path) if thing[0] != "trigger"}
    assert set(_COMMENTED.findall(sql.read(path))) == made


@pytest.mark.parametrize(
    "path", [p for p in OBJECTS if p.startswith("objects/") and created(p)[0][0] != "view"]
)
def test_functions_and_triggers_are_replaced_in_place(path: str) -> None:
    """A view is dropped first, because replacing one cannot change its columns."""
    text = sql.read(path)
    assert len(re.findall(r"^create ", text, re.MULTILINE)) == len(
        re.findall(r"^create or replace ", text, re.MULTILINE)
    )


def test_migrations_call_no_function_and_read_no_view_of_ours() -> None:
    """Those change under a migration, which must do the same for ever."""
    names = {
        f"{schema or 'progress'}.{name}"
        for path in OBJECTS
        for what, schema, name in created(path)
        if what != "trigger"
    }
    for path in sql.manifest():
        if path.startswith("migrations/"):
            # What is made anew with other parameters goes before.
            text = re.sub(r"^drop \w+ if exists .+;$", "", sql.read(path), flags=re.MULTILINE)
            used = {name for name in names if re.search(rf"\b{name}\b", text)}
            assert used == set(), path
