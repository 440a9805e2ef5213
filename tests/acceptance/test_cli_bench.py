"""bench on a server of the tests: what it says, what it refuses, and that it leaves nothing."""

from __future__ import annotations

import gzip
import json
import signal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from acceptance.command_line import CommandLine, interrupt, soon
from bible_progress.bench import worlds
from bible_progress.bench.figures import Figure, compare, quantile
from bible_progress.bench.real_shapes import real_shapes
from bible_progress.errors import InputError


def databases(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select datname from pg_database where datname like 'bible_progress_bench%'"
        )
        return {name for (name,) in rows}


@pytest.mark.timeout(280)
def test_a_tiny_run_measures_every_goal_and_drops_its_databases(
    cli: CommandLine, database: str, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra `plot`")
    path = tmp_path / "bench.json"
    with psycopg.connect(database) as connection:
        before = connection.execute("select count(*) from pg_class").fetchone()
    done = cli(
        "bench", "--quick", "--versions", "3", "--json", path, "--plot", tmp_path, seconds=240
    ).assert_done()
    document = json.loads(path.read_text())
    figures = document["figures"]
    assert {figure["goal"] for figure in figures} == {"API", *(f"P{n}" for n in range(1, 11))}
    assert {figure["verdict"] for figure in figures} <= {"met", "missed", "informs"}
    assert all(figure["value"] > 0 for figure in figures)
    for goal in ("P2", "P8", "P9"):
        # Their goals name a size that this is not.
        assert {f["verdict"] for f in figures if f["goal"] == goal} == {"informs"}
    assert all("50,000 dead signals" in f["what"] for f in figures if f["goal"] == "P9")
    assert "P5" in done.out
    assert document["versions"] == 3
    assert (tmp_path / "drain_growth.svg").read_text().startswith("<?xml")
    assert (tmp_path / "drain_growth.png").read_bytes().startswith(b"\x89PNG")
    assert databases(database) == set()
    with psycopg.connect(database) as connection:
        assert connection.execute("select count(*) from pg_class").fetchone() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_drops_its_databases(
    cli: CommandLine, database: str, number: signal.Signals
) -> None:
    with cli.started("bench", "--quick", "--only", "P2") as process:
        assert soon(lambda: len(databases(database)) > 1, 60)
        assert interrupt(process, number).code == 130
    assert databases(database) == set()


def test_an_interrupt_when_a_database_has_just_been_made_drops_it(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(psycopg.Connection[Any]):
        def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
            super().execute(query, *arguments, **options)
            if "create database" in (query if isinstance(query, str) else query.as_string()):
                assert databases(database)
                raise KeyboardInterrupt

    made = worlds.connect_as_host
    monkeypatch.setattr(
        worlds, "connect_as_host", lambda url, **options: Interrupted.connect(url, autocommit=True)
    )
    bench = worlds.Bench(database, versions=1)
    with pytest.raises(KeyboardInterrupt), bench.opened():
        pass
    monkeypatch.setattr(worlds, "connect_as_host", made)
    assert databases(database) == set()


def test_a_role_that_may_not_create_databases_is_told(cli: CommandLine, database: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    role = f"{name}_plain"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
        try:
            CommandLine(make_conninfo(database, user=role))("bench", "--quick").assert_refused(
                4, "may not create databases", "CREATEDB"
            )
        finally:
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


@pytest.mark.parametrize(
    "flags",
    [
        ("--versions", "0"),
        ("--only", "P0"),
        ("--only", "P3", "--plot", "x"),
        ("--seed", "one"),
    ],
)
def test_wrong_flags_are_wrong_usage(cli: CommandLine, flags: tuple[str, ...]) -> None:
    assert cli("bench", *flags).code == 2


def write(folder: Path, name: str, text: str) -> None:
    with gzip.open(folder / name, "wt") as file:
        file.write(text)


def test_shapes_come_from_tables_of_real_coverage(tmp_path: Path) -> None:
    write(tmp_path, "text_coverage.csv.gz", "translation,book,chapter,verses\na,gen,1,1-2 4\n")
    write(
        tmp_path, "audio_chapters.csv.gz", "fileset_id,book,chapter\nX,mark,1\nX,mark,2\nY,acts,1\n"
    )
    shapes = real_shapes(tmp_path, 5, 1)
    assert [shape.places for shape in shapes["text"]] == [("gen-1-1", "gen-1-2", "gen-1-4")]
    assert {shape.name: shape.places for shape in shapes["audio"]} == {
        "X": ("mark-1", "mark-2"),
        "Y": ("acts-1",),
    }
    assert len(real_shapes(tmp_path, 1, 1)["audio"]) == 1


@pytest.mark.parametrize("text", [None, "other\n1\n", "translation,book,chapter,verses\na,b,1,x\n"])
def test_tables_that_are_none_are_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        write(tmp_path, "text_coverage.csv.gz", text)
    with pytest.raises(InputError, match="text_coverage"):
        real_shapes(tmp_path, 5, 1)


def test_the_real_tables_can_be_used(cli: CommandLine, shared_data: Path) -> None:
    flags = ("--quick", "--versions", "2", "--only", "P6", "--data", shared_data)
    cli("bench", *flags, seconds=120).assert_done()


def test_a_ratio_is_that_of_the_medians() -> None:
    figure = compare("P1", "x", [4.0, 6.0, 100.0], [2.0, 3.0, 3.0], limit=2.0)
    assert (figure.value, figure.verdict) == (2.0, "met")
    assert compare("P1", "x", [4.0], [2.0], limit=1.9).verdict == "missed"
    assert compare("P1", "x", [4.0], [2.0], limit=1.9, decides=False).verdict == "informs"
    assert Figure(goal="P2", what="x", value=9.0, limit=10.0, at_least=True).verdict == "missed"
    assert Figure(goal="P2", what="x", value=9.0).verdict == "informs"
    assert quantile([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0
