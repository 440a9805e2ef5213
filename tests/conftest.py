"""A real PostgreSQL for every test: embedded, or the server of DATABASE_URL.

`conn` is the default: one connection whose transaction is rolled back. `database` is a database of
its own, cloned from a template in a tenth of a second, for tests that commit or need several
sessions.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from bible_progress.embedded.server import database_server
from bible_progress.installing import install

sys.path.insert(0, str(Path(__file__).parent))
# What differs is told wherever it is found.
pytest.register_assert_rewrite("support")

from support.builders import World  # noqa: E402

Connect = Callable[..., Connection[Any]]

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


# What is quick by nature; elsewhere, a test that is marked `quick` stands for its folder.
QUICK_FOLDERS = {"unit", "sql", "oracle"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all",
        action="store_true",
        help="every test; without it, and where none is named, those that take two minutes",
    )
    parser.addoption(
        "--jit",
        action="store_true",
        help="leave JIT on, as servers that have it do; fails where this one does not",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # Who names tests, by place or by word, gets them. Workers of xdist are told with the options.
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS or config.option.keyword:
        config.option.all = True
    # A shell's background job ignores Ctrl-C and passes that on to what tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.all:
        return
    quick: list[pytest.Item] = []
    slow: list[pytest.Item] = []
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        is_quick = folder in QUICK_FOLDERS or item.get_closest_marker("quick")
        (quick if is_quick else slow).append(item)
    config.hook.pytest_deselected(items=slow)
    items[:] = quick


def pytest_report_header() -> str:
    where = "DATABASE_URL" if os.environ.get("DATABASE_URL") else "embedded"
    return f"postgresql: {where} {os.environ.get('BIBLE_PROGRESS_POSTGRES_BIN', '')}"


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Iterator[str]:
    """The URL of a server on which databases may be made."""
    url = os.environ.get("DATABASE_URL")
    jit = pytestconfig.getoption("--jit")
    with database_server(
        url,
        durable=False,
        # max_prepared_transactions: tests commit in two phases too.
        settings={
            "max_prepared_transactions": "10",
            "max_connections": "200",
            "jit": "on" if jit else "off",
        },
    ) as server_url:
        with psycopg.connect(server_url) as connection:
            found = connection.execute("select pg_jit_available()").fetchone()
            assert found == (True,) or not jit, "--jit: this server compiles nothing"
        yield server_url


@pytest.fixture(scope="session")
def template(server: str) -> Iterator[str]:
    """The name of a database with Bible Progress installed and nothing in it."""
    name = f"bp_template_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        _create(admin, name)
        with psycopg.connect(make_conninfo(server, dbname=name), autocommit=True) as connection:
            install.install(connection)
        yield name
        _drop(admin, name)


@pytest.fixture
def database(server: str, template: str) -> Iterator[str]:
    """The URL of a database of this test's own, with Bible Progress installed."""
    with _clone(server, template) as url:
        yield url


@pytest.fixture
def empty_database(server: str) -> Iterator[str]:
    """The URL of an empty database of this test's own."""
    with _clone(server, "template0") as url:
        yield url


@pytest.fixture
def spare_database(server: str) -> Iterator[str]:
    """The URL of another empty database, for what moves from one to the other."""
    with _clone(server, "template0") as url:
        yield url


@pytest.fixture
def connect(database: str) -> Iterator[Connect]:
    """Opens connections to `database`, autocommit unless asked otherwise, and closes them."""
    opened: list[Connection[Any]] = []

    def open_one(*, autocommit: bool = True) -> Connection[Any]:
        connection = psycopg.connect(database, autocommit=autocommit)
        opened.append(connection)
        return connection

    yield open_one
    for connection in opened:
        connection.close()


_TABLES = (
    "from pg_class where relkind = 'r'"
    " and relnamespace in ('public'::regnamespace, 'progress'::regnamespace)"
)


class SharedConnection:
    """One connection for all tests that are rolled back, to a database cloned for them."""

    # What is rolled back stays in the tables. Beyond this size, reading it takes longer than a
    # clone does; VACUUM would leave statistics, which change plans.
    LARGEST_BYTES = 10_000_000

    def __init__(self, server: str, template: str) -> None:
        self._server, self._template = server, template
        self._opened = ExitStack()
        self._connection: Connection[Any] | None = None

    def __call__(self) -> Connection[Any]:
        """Return the connection, idle."""
        if self._connection is None or self._bytes(self._connection) > self.LARGEST_BYTES:
            self.close()
            self._connection = self._open()
        return self._connection

    def close(self) -> None:
        self._opened.close()
        self._connection = None

    def _open(self) -> Connection[Any]:
        url = self._opened.enter_context(_clone(self._server, self._template))
        connection = self._opened.enter_context(psycopg.connect(url))
        # Statistics that autovacuum makes between two tests would change the plans of both.
        tables = connection.execute(
            "select relnamespace::regnamespace::text, relname " + _TABLES
        ).fetchall()
        for names in tables:
            connection.execute(
                sql.SQL("alter table {} set (autovacuum_enabled = false)").format(
                    sql.Identifier(*names)
                )
            )
        connection.commit()
        return connection

    @staticmethod
    def _bytes(connection: Connection[Any]) -> int:
        row = connection.execute("select sum(pg_relation_size(oid)) " + _TABLES).fetchone()
        connection.rollback()
        assert row is not None
        return row[0]


@pytest.fixture(scope="session")
def shared_connection(server: str, template: str) -> Iterator[SharedConnection]:
    shared = SharedConnection(server, template)
    yield shared
    shared.close()


@pytest.fixture
def conn(shared_connection: SharedConnection) -> Iterator[Connection[Any]]:
    """A connection to an installed database; what the test does is rolled back."""
    connection = shared_connection()
    # Opened here: the first `with connection.transaction()` of a test would commit otherwise.
    connection.execute("select 1")
    yield connection
    connection.rollback()
    kept = connection.execute(
        "select from bible_versions union all select from language_entities union all"
        " select from users union all select from progress_refresh_queue limit 1"
    ).rowcount
    connection.rollback()
    assert not kept, "the test committed on the connection that all tests share"


@pytest.fixture
def world(conn: Connection[Any]) -> World:
    """Builds canons, versions, texts and recordings in `conn`."""
    return World(conn)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real catalogue data; the test is skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real catalogue data beside the checkout ({SHARED_DATA.name} is absent)")
    return SHARED_DATA


@contextmanager
def _clone(server: str, template: str) -> Iterator[str]:
    name = f"bp_test_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        _create(admin, name, template)
        try:
            yield make_conninfo(server, dbname=name)
        finally:
            _drop(admin, name)


def _create(admin: Connection[Any], name: str, template: str = "template0") -> None:
    encoding = " encoding 'UTF8' locale 'C'" if template == "template0" else ""
    admin.execute(
        sql.SQL("create database {} template {} strategy file_copy" + encoding).format(
            sql.Identifier(name), sql.Identifier(template)
        )
    )


def _drop(admin: Connection[Any], name: str) -> None:
    admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
