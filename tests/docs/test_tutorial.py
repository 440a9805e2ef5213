"""First steps, taken: what the tutorial shows is what its reader sees."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from doc_pages import blocks, text
from psycopg import Connection
from psycopg.pq import TransactionStatus

from acceptance.command_line import CommandLine, soon
from bible_progress.demo.library import Demo
from bible_progress.engine.worker import Worker, WorkerSettings

TUTORIAL = "docs/tutorials/first-steps.md"
# What a clock, a machine or a release decides.
_VARIES = re.compile(r"\d[\d.]* ?(?:ms|s|min|h)\b|PostgreSQL [\d.]+|Bible Progress [\d.]+")
Rows = list[tuple[str, ...]]


def _shown(block: str) -> tuple[Rows, bool]:
    """Return the rows that psql shows, and whether the block is a whole table."""
    lines = [line for line in block.splitlines() if line.strip()]
    rows = [tuple(cell.strip() for cell in line.split("|")) for line in lines if "|" in line]
    return rows, any(re.fullmatch(r"[-+ ]+", line) for line in lines)


def _found(connection: Connection[Any], query: str) -> Rows:
    cursor = connection.execute(query)  # type: ignore[arg-type]
    assert cursor.description is not None
    rows = [
        tuple(str(cell)[0].lower() if isinstance(cell, bool) else str(cell) for cell in row)
        for row in cursor
    ]
    return [tuple(column.name for column in cursor.description), *rows]


def _assert_like(told: str, printed: str) -> None:
    def lines(output: str) -> list[str]:
        return [" ".join(_VARIES.sub("?", line).split()) for line in output.strip().splitlines()]

    assert lines(printed) == lines(told)


@pytest.fixture
def demo(database: str, connect: Callable[..., Connection[Any]]) -> Iterator[Connection[Any]]:
    """The database of a demo that has made its edits and stays, with its worker."""
    demo = Demo(connect())
    demo.load(lambda what, done, total: None)
    worker = Worker(WorkerSettings(database_url=database, idle_seconds=0.01))
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    try:
        _wait_until_fresh(demo.connection)
        assert len(list(demo.edits())) == 4
        yield demo.connection
    finally:
        worker.stop()
        thread.join()


def _wait_until_fresh(connection: Connection[Any]) -> None:
    assert soon(lambda: not connection.execute("select from progress.dirty").rowcount)


def test_its_reader_sees_what_it_shows(demo: Connection[Any], database: str) -> None:
    compared = Counter[str]()
    queries: list[str] = []
    found: Rows = []
    for language, block in blocks(text(TUTORIAL)):
        if language == "sql":
            for statement in filter(str.strip, block.split(";")):
                if statement.lstrip().startswith("select"):
                    queries.append(statement)
                    found = _found(demo, statement)
                    continue
                demo.execute(statement)  # type: ignore[arg-type]
                if demo.info.transaction_status == TransactionStatus.IDLE:
                    _wait_until_fresh(demo)
        elif not language and "|" in block:
            shown, is_whole = _shown(block)
            if not is_whole:
                # One of the queries above, run again.
                assert any(set(shown) <= set(_found(demo, query)) for query in queries), shown
            elif "order by" in queries[-1]:
                assert found == shown, queries[-1]
            else:
                assert sorted(found) == sorted(shown), queries[-1]
            compared["tables"] += 1
        elif not language and block.startswith(("versions ", "10 versions")):
            command = "status" if block.startswith("versions ") else "verify"
            _assert_like(block, CommandLine(database)(command).assert_done().out)
            compared[command] += 1
    assert compared == {"tables": 7, "status": 1, "verify": 1}
