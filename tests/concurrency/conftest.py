"""A stage for every test here: an empty installed database and sessions to step through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from bible_progress.installing.install import STRATEGIES
from bible_progress.rollout import moves as rollout
from support.sessions import Stage


@pytest.fixture(scope="module", params=["incremental", "matview"])
def strategy(request: pytest.FixtureRequest) -> str:
    """How the numbers are stored; the promises are the same."""
    return request.param


@pytest.fixture(scope="module")
def module_stage(server: str, template: str, strategy: str) -> Iterator[Stage]:
    """One database a module: plans of the checks are made once and kept by its connections."""
    name = f"bp_test_{uuid4().hex[:12]}"
    database = sql.Identifier(name)
    url = make_conninfo(server, dbname=name)

    def connect() -> Connection[Any]:
        return psycopg.connect(url, autocommit=True)

    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                database, sql.Identifier(template)
            )
        )
        with connect() as connection:
            rollout.move(connection, STRATEGIES[strategy])
        stage = Stage(connect)
        yield stage
        stage.close()
        admin.execute(sql.SQL("drop database {} with (force)").format(database))


@pytest.fixture
def stage(module_stage: Stage) -> Iterator[Stage]:
    """An empty world, and the sessions that a test opens on it."""
    yield module_stage
    module_stage.reset()
