"""A PostgreSQL with a real pg_cron that runs jobs by the minute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from .own_server import OwnServer, own_server


def binaries() -> Path:
    """Return the programs of the newest server that has pg_cron; skips the test without one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/lib/pg_cron.so"))
    if not found:
        pytest.skip("pg_cron is not installed (Debian package postgresql-15-cron)")
    return found[-1].parents[1] / "bin"


@contextmanager
def cron_server(*, workers: bool) -> Iterator[OwnServer]:
    """Run a server with pg_cron in database postgres.

    With `workers` jobs run in background workers, as on Supabase, else over connections, as it is
    unless somebody asks.
    """
    settings = {
        "shared_preload_libraries": "pg_cron",
        "cron.database_name": "postgres",
        "cron.use_background_workers": "on" if workers else "off",
        "cron.host": "{sockets}",
        "max_worker_processes": "20",
    }
    with own_server(settings=settings, binaries=binaries()) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("create extension pg_cron")
        yield server


def database(server: OwnServer, name: str) -> str:
    """Make another database of a server; return its URL."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template template0").format(sql.Identifier(name))
        )
    return make_conninfo(server.url, dbname=name)
