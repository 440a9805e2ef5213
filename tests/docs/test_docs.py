"""The documentation is what the program is: nothing missing, nothing that is not there."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doc_pages import (
    PACKAGE,
    ROOT,
    anchors,
    fences,
    links,
    name_of,
    pages,
    prose,
    rows,
    section,
    text,
)
from psycopg import Connection

import generate_reference
from bible_progress import errors, sql
from bible_progress.cli import build_parser
from bible_progress.demo.library import SAMPLE_AUDIO
from bible_progress.demo.sample_bibles import SAMPLE_TEXTS
from bible_progress.engine.metrics import Metrics
from bible_progress.installing import export, install, schema
from bible_progress.reading import documents

_TWIN = re.compile(r"\(\$(?P<env>[A-Z_]+)(?:, default (?P<default>[^)]*))?\)$")


def _parsers(
    parser: argparse.ArgumentParser, name: str = "bible-progress"
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command, below in action.choices.items():
                yield from _parsers(below, f"{name} {command}")


def test_the_generated_command_line_page_is_current() -> None:
    assert generate_reference.cli_page() == generate_reference.current("cli.md"), (
        "run tools/generate_reference.py"
    )


def test_the_generated_page_of_checks_is_current() -> None:
    assert generate_reference.checks_page() == generate_reference.current("checks.md"), (
        "run tools/generate_reference.py"
    )


def test_the_generated_http_page_is_current() -> None:
    assert generate_reference.http_page() == generate_reference.current("http.md"), (
        "run tools/generate_reference.py"
    )


def test_every_example_is_of_its_shape() -> None:
    examples = json.loads((PACKAGE / "web" / "examples.json").read_text(encoding="utf-8"))
    assert len(examples) > 10
    for name, example in examples.items():
        getattr(documents, name).model_validate_json(json.dumps(example))


def test_the_generated_sql_page_is_current(conn: Connection[Any]) -> None:
    assert generate_reference.sql_page(conn) == generate_reference.current("sql.md"), (
        "run tools/generate_reference.py"
    )


# --- Links, paths and pages.


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{link}: no such heading"


@pytest.mark.parametrize(
    "page", [page for page in pages() if page.parent.name != "decisions"], ids=name_of
)
def test_every_file_that_is_named_exists(page: Path) -> None:
    first = r"(?:src|tests|tools|docs|sql|cli|importers|\.ci)"
    for path in re.findall(rf"`({first}/[\w./-]*)`", page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists() or (PACKAGE / path).exists(), f"there is no {path}"


def test_every_door_exists() -> None:
    doors = rows(section(text("CONTRIBUTING.md"), "Where do I change X?"))
    assert len(doors) > 20
    raw = section(text("CONTRIBUTING.md"), "Where do I change X?")
    for line in raw.splitlines():
        for path in re.findall(r"`([^`]+)`", line) if line.startswith("|") else ():
            place = ROOT / path if (ROOT / path).exists() else PACKAGE / path
            assert place.exists(), f"there is no {path}"
            if path.endswith("/"):
                assert any(place.iterdir()), f"{path} is empty"


def test_every_page_is_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    reached = {
        (index.parent / link.partition("#")[0]).resolve()
        for link in links(index.read_text(encoding="utf-8"))
    }
    assert set((ROOT / "docs").rglob("*.md")) - {index} <= reached


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_no_page_names_a_place_on_the_writers_machine(page: Path) -> None:
    assert not re.search(r"/(?:work|root|home)/", page.read_text(encoding="utf-8"))


def test_every_migration_is_in_the_changelog() -> None:
    for path in sql.manifest():
        if path.startswith("migrations/"):
            assert f"`{Path(path).name}`" in text("CHANGELOG.md")


def test_the_picture_is_whole_and_loads_nothing() -> None:
    picture = text("docs/images/demo.svg")
    words = re.sub(r"<[^>]+>", " ", picture).split()
    for name in [sample.title for sample in SAMPLE_TEXTS] + [a.name for a in SAMPLE_AUDIO]:
        assert set(name.split()) <= set(words), f"{name} is not in the picture"
    assert "fresh" in words
    assert not re.search(r"(?:href|src|url\()\W*https?:", picture)


# --- Commands, flags and settings.


def test_every_command_has_its_heading() -> None:
    page = text("docs/reference/cli.md")
    for name, _ in _parsers(build_parser()):
        if name != "bible-progress":
            assert re.search(rf"^#+ {name}$", page, re.MULTILINE), name


@pytest.mark.parametrize(
    ("page", "line"),
    [
        pytest.param(page, line, id=f"{name_of(page)}: {line}")
        for page in pages()
        for block in fences(page.read_text(encoding="utf-8"), "sh")
        for line in (raw.partition("#")[0].strip() for raw in block.splitlines())
        if line.startswith(("bible-progress ", "python3 run.py "))
    ],
)
def test_every_command_that_is_shown_exists(page: Path, line: str) -> None:
    words = shlex.split(line)
    if words[0] == "bible-progress":
        build_parser().parse_args(words[1:])
        return
    command = words[2]
    assert re.search(rf"^  {command} ", text("run.py"), re.MULTILINE), "run.py has no such command"
    if command == "cli":
        build_parser().parse_args(words[3:])
    elif command == "demo":
        build_parser().parse_args(["demo", *words[3:]])
    elif "--postgres" in words:
        assert f'"{words[words.index("--postgres") + 1]}":' in text("run.py")


@pytest.mark.parametrize(
    "page", sorted((PACKAGE / "web" / "templates").glob("*.html")), ids=name_of
)
def test_every_command_that_the_dashboard_shows_exists(page: Path) -> None:
    shown = re.findall(r"<(?:code|pre)>bible-progress (.*?)</", page.read_text(encoding="utf-8"))
    for arguments in shown:
        build_parser().parse_args(shlex.split(arguments))


def test_every_setting_is_listed_with_its_twin() -> None:
    wanted: dict[str, tuple[str, str | None]] = {}
    commands: dict[str, set[str]] = {}
    for name, parser in _parsers(build_parser()):
        for action in parser._actions:
            twin = _TWIN.search(action.help or "")
            if twin:
                wanted[twin["env"]] = (action.option_strings[0], twin["default"])
                commands.setdefault(twin["env"], set()).add(name.split()[1])
    table = {
        row[0]: row for row in rows(section(_configuration(), "Flags with an environment twin"))
    }
    assert table.keys() == wanted.keys()
    for env, (flag, default) in wanted.items():
        assert table[env][1] == flag
        if default is not None:
            assert table[env][3] == default
        if table[env][2] != "all":
            assert set(table[env][2].split(", ")) == commands[env]


def test_every_variable_that_the_code_reads_is_documented() -> None:
    sources = [*PACKAGE.rglob("*.py"), ROOT / "run.py"]
    read = {
        name
        for source in sources
        for name in re.findall(r"BIBLE_PROGRESS_[A-Z_]+", source.read_text(encoding="utf-8"))
    }
    assert len(read) > 5
    assert {name for name in read if f"`{name}`" not in _configuration()} == set()


def test_every_setting_in_the_database_is_documented(conn: Connection[Any]) -> None:
    columns = conn.execute(
        "select attname from pg_attribute"
        " where attrelid = 'progress.settings'::regclass and attnum > 0 and not attisdropped"
    ).fetchall()
    listed = {
        column
        for row in rows(section(_configuration(), "Settings in the database"))
        for column in row[0].split(", ")
    }
    assert listed == {column for (column,) in columns}


def _configuration() -> str:
    return text("docs/reference/configuration.md")


# --- Errors and metrics.


def test_every_exit_code_is_documented() -> None:
    classes = [errors.BibleProgressError, *errors.BibleProgressError.__subclasses__()]
    listed = {
        row[1]: row[0] for row in rows(section(text("docs/reference/errors.md"), "Exit codes"))
    }
    assert listed.pop("") == "130", "the last row without a class is the interruption"
    assert listed == {kind.__name__: str(kind.exit_code) for kind in classes}
    epilog = build_parser().epilog or ""
    for kind in classes:
        assert re.search(rf"\b{kind.exit_code} ", epilog), f"--help lacks code {kind.exit_code}"


def test_every_sqlstate_is_documented() -> None:
    listed = {
        row[0]: row[1] for row in rows(section(text("docs/reference/errors.md"), "SQLSTATEs"))
    }
    assert listed == {state: kind.__name__ for state, kind in errors._OURS.items()}
    raised = {
        state
        for path in sql.manifest()
        for state in re.findall(r"errcode = '(BP\d+)'", sql.read(path))
    }
    assert raised
    assert raised <= listed.keys()


def test_every_metric_is_documented() -> None:
    metrics = {
        (
            family.name + ("_total" if family.type == "counter" else ""),
            family.type,
            tuple(_label_names(metrics_of, family.name)),
        )
        for metrics_of in [_every_metric()]
        for family in metrics_of.registry.collect()
    }
    listed = {
        (row[0], row[1], tuple(label for label in row[2].split(", ") if label))
        for row in rows(text("docs/reference/metrics.md"))
    }
    assert listed == metrics


def _every_metric() -> Metrics:
    metrics = Metrics()
    assert metrics.http
    return metrics


def _label_names(metrics: Metrics, family: str) -> tuple[str, ...]:
    collector = metrics.registry._names_to_collectors[family]
    return tuple(collector._labelnames)  # type: ignore[attr-defined]


# --- The database.


def test_every_contract_relation_is_documented() -> None:
    reference = section(text("docs/reference/sql.md"), "The contract")
    for name in schema.contract_views():
        assert f"- `{name}`: " in reference, name
    for name in schema.contract_views():
        if name.startswith("mv_"):
            assert f"`{name}`" in text("README.md"), name


def test_every_object_of_the_schema_is_documented(conn: Connection[Any]) -> None:
    page = text("docs/reference/sql.md")
    names = conn.execute(
        "select proname from pg_proc where pronamespace = 'progress'::regnamespace"
        " union select relname from pg_class where relnamespace = 'progress'::regnamespace"
        " and relkind in ('r', 'v')"
    ).fetchall()
    assert len(names) > 50
    for (name,) in names:
        assert f"`progress.{name}" in page, name
    for schema_name, name in schema.routines():
        assert schema_name == "progress" or f"#### `{schema_name}.{name}`" in page, name


def test_every_host_column_is_documented() -> None:
    page = text("docs/reference/host-tables.md")
    values = sql.read("checks/host_columns.sql").partition("present as")[0]
    needed = re.findall(r"\('(\w+)', '(\w+)', '([\w ]+)'\)", values)
    assert {table for table, _, _ in needed} == set(schema.HOST_TABLES)
    listed: set[tuple[str, str, str]] = set()
    for heading in re.findall(r"^## (`.+)$", page, re.MULTILINE):
        for table in re.findall(r"`(\w+)`", heading):
            listed |= {(table, row[0], row[1]) for row in rows(section(page, heading))}
    assert listed == set(needed)


def test_every_unique_pair_and_advised_index_is_documented() -> None:
    page = text("docs/reference/host-tables.md")
    pairs = re.findall(r"\('(\w+)', '(\w+)', '(\w+)', '\w+'\)", sql.read("checks/unique_pairs.sql"))
    assert pairs
    for table, one, two in pairs:
        assert f"Unique on (`{one}`, `{two}`)." in section(page, f"`{table}`")
    advised = {
        (table, one + (f", {two}" if two else ""))
        for table, one, two in re.findall(
            r"\('(\w+)', '(\w+)', (?:'(\w+)'|null)\)", sql.read("checks/missing_indexes.sql")
        )
    }
    assert advised
    listed = {(row[0], row[1]) for row in rows(section(page, "Advised indexes"))}
    assert listed == advised


def test_the_shown_output_of_install_and_uninstall_is_current(conn: Connection[Any]) -> None:
    shown = text("docs/how-to/install-on-a-real-database.md")
    steps = list(install.make_plan(conn).steps())
    [objects] = [step for step in steps if step.startswith("create or replace")]
    assert f"  {objects}\n" in shown
    removed = text("docs/how-to/uninstall.md")
    assert f"removed {len(schema.views())} views\n" in removed
    assert f"removed {len(schema.triggers())} triggers\n" in removed


def test_prose_finds_its_own_code_blocks() -> None:
    """The helpers see what they should; otherwise the tests above would pass on nothing."""
    page = "# A\n\n```sql\nselect 1 -- [x](y)\n```\n\n[b](c.md)\n"
    assert fences(page, "sql") == ["select 1 -- [x](y)\n"]
    assert links(page) == ["c.md"]
    assert "select" not in prose(page)
    assert rows("| a | b |\n|---|---|\n| `c` | d |\n") == [["c", "d"]]


def test_the_errors_of_a_push_are_those_that_a_migration_raises() -> None:
    page = text("docs/how-to/supabase.md")
    table = page.split("| the error says | do |\n|---|---|\n")[1].split("\n\n")[0]
    migration = export.render()
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()]
    assert len(rows) > 5
    for row in rows:
        assert row in migration, row
    [error] = re.findall(r"^ERROR: (.+): column public.+BP011\)$", page, re.M)
    assert error in migration
