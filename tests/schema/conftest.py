"""Databases without Bible Progress, to install into; what a test does there is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from bible_progress import sql as our_sql


@pytest.fixture(scope="session")
def spare_databases(server: str) -> Iterator[dict[str, str]]:
    """URLs of an empty database and of one with the host tables, for tests that roll back."""
    urls: dict[str, str] = {}
    with psycopg.connect(server, autocommit=True) as admin:
        for kind in ("empty", "host"):
            name = f"bp_test_{kind}_{uuid4().hex[:8]}"
            admin.execute(
                sql.SQL(
                    "create database {} template template0 encoding 'UTF8' locale 'C'"
                    " strategy file_copy"
                ).format(sql.Identifier(name))
            )
            urls[kind] = make_conninfo(server, dbname=name)
        with psycopg.connect(urls["host"]) as host:
            host.execute(our_sql.read("host/host_tables.sql"))
        yield urls
        for url in urls.values():
            name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
            admin.execute(
                sql.SQL("drop database {} with (force)").format(sql.Identifier(str(name)))
            )


@pytest.fixture
def empty_connection(spare_databases: dict[str, str]) -> Iterator[Connection[Any]]:
    """A connection to an empty database; what the test does is rolled back."""
    yield from _rolled_back(spare_databases["empty"])


@pytest.fixture
def host_connection(spare_databases: dict[str, str]) -> Iterator[Connection[Any]]:
    """A connection to a database with host tables only; what the test does is rolled back."""
    yield from _rolled_back(spare_databases["host"])


@pytest.fixture
def conn(conn: Connection[Any]) -> Connection[Any]:
    """Begin: the transaction block of an install that comes first would commit at its end."""
    conn.execute("select")
    return conn


def _rolled_back(url: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(url) as connection:
        connection.execute("select")
        yield connection
        connection.rollback()
