"""Blue/green with the commands of the page: green is right from its first moment as the new home."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import psycopg
import pytest

from acceptance.command_line import CommandLine, soon
from acceptance.installation import Installation
from acceptance.own_server import OwnServer, own_server
from acceptance.shell import require, shell
from acceptance.worker_process import WorkerProcess
from bible_progress.rollout import moves as rollout
from support import oracle, traffic

PAGE = Path(__file__).parents[2] / "docs/how-to/blue-green.md"
_, COPY, COPYING, CAUGHT_UP, CUT, LOOK = (
    block.replace("\n   ", "\n").strip()
    for block in re.findall(r"^ *```sh\n(.*?)^ *```$", PAGE.read_text("utf-8"), re.M | re.S)
)


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    require("pg_dump", "psql")


@contextmanager
def site_of(server: OwnServer) -> Iterator[Installation]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        yield Installation(connection)


def work(site: Installation, random: Random, times: int) -> None:
    """Write as hosts do, now and then drained."""
    operations = [operation for operation in traffic.OPERATIONS if operation != traffic.COPY]
    for turn in range(times):
        operation = random.choice(operations)
        try:
            site.connection.execute(operation.encode(), traffic.draw(random))
        except psycopg.Error as error:
            assert traffic.is_refusal(error, "read committed"), operation
        if turn % 10 == 9:
            site.drain()
    traffic.refill(site.connection, random, 2)
    site.drain()


def tables(site: Installation) -> list[tuple[str, str]]:
    return site.rows(
        "select table_schema::text, table_name::text from information_schema.tables"
        " where table_schema in ('public', 'progress') and table_type = 'BASE TABLE' order by 1, 2"
    )


def content(site: Installation) -> dict[str, list[str]]:
    """Return every row of every table, by table."""
    return {
        f"{schema}.{table}": [
            row for (row,) in site.rows(f'select t::text from "{schema}"."{table}" t order by 1')
        ]
        for schema, table in tables(site)
    }


@pytest.mark.parametrize(
    ("step", "ahead"),
    [(5, "blue"), (5, "green"), (4, "blue")],
    ids=["higher numbers", "lower numbers", "materialized views"],
)
def test_green_takes_over_with_no_step_by_hand(tmp_path: Path, step: int, ahead: str) -> None:
    random = Random(1)
    with (
        own_server(settings={"wal_level": "logical"}) as blue_server,
        own_server() as green_server,
        site_of(blue_server) as blue,
        site_of(green_server) as green,
    ):
        CommandLine(blue_server.url)("install").assert_done()
        traffic.build(blue.world)
        rollout.move(blue.connection, step)
        blue.drain()
        (blue if ahead == "blue" else green).use_numbers()
        [version] = blue.texts(1)
        blue.leave_work("gen-1")

        def move(commands: str) -> str:
            places = {"BLUE": blue_server.url, "GREEN": green_server.url}
            return shell(commands, tmp_path, **places).assert_done().out.strip()

        move(COPY)
        work(blue, random, 20)
        assert soon(lambda: move(COPYING) == "0")
        work(blue, random, 60)
        blue.leave_work("exod-1")
        if step == 5:
            blue.bury(version)
        assert soon(lambda: move(CAUGHT_UP) == "t")
        move(CUT)

        # Deletes of the queue and stored numbers came along.
        assert content(green) == content(blue)
        assert oracle.inexact(green.connection) == []
        CommandLine(green_server.url)("status").assert_done()

        # The host's own writes.
        traffic.refill(green.connection, random, 2)
        green.run("update books set book_number = book_number + 20")
        assert oracle.inexact(green.connection) == []

        with WorkerProcess(CommandLine(green_server.url), tmp_path) as worker:
            assert soon(
                lambda: (
                    not green.value(
                        "select (select count(*) from progress_refresh_queue)"
                        " + (select count(*) from progress.unsettled_change)"
                        " + (select count(*) from pg_matviews where not ispopulated)"
                    )
                )
            )
            worker.stop()
        oracle.assert_same(green.connection)
        move(LOOK)
