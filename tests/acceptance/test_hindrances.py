"""What keeps changes from settling or draining is named: by status, doctor and the operations page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import Connection, sql

from acceptance.command_line import CommandLine, soon
from acceptance.installation import Installation
from acceptance.own_server import own_server
from bible_progress.installing import install
from web.site import served

Connect = Callable[..., Connection[Any]]


def change_structure(site: Installation) -> None:
    site.texts(1)
    site.run("update books set book_number = book_number + 10")
    site.drain()


def hindrances(cli: CommandLine) -> list[dict[str, Any]]:
    return json.loads(cli("status", "--json").assert_done().out)["hindrances"]


def sample(api: httpx.Client, gauge: str) -> float:
    [value] = re.findall(rf"^bible_progress_{gauge} (.*)$", api.get("/metrics").text, re.MULTILINE)
    return float(value)


@contextmanager
def forgotten(url: str) -> Iterator[Connection[Any]]:
    """A transaction that has written something, and then nothing more."""
    with psycopg.connect(url, application_name="nightly export") as connection:
        connection.execute("select pg_current_xact_id()")
        yield connection
        connection.rollback()


def test_a_forgotten_transaction_in_another_database_is_named_everywhere(
    site: Installation, cli: CommandLine, database: str, server: str
) -> None:
    with forgotten(server) as other:
        change_structure(site)
        assert site.value("select count(*) from progress.unsettled_change") > 0
        [held] = [h for h in hindrances(cli) if h["pid"] == other.info.backend_pid]
        assert held["cause"] == "transaction"
        assert held["database"] == other.info.dbname
        assert held["application"] == "nightly export"
        assert held["state"] == "idle in transaction"
        assert held["seconds"] >= 0
        assert "Traceback" not in cli("status").assert_done().err
        documents = json.loads(cli("doctor", "--json").assert_done().out)
        [finding] = [f for f in documents["findings"] if f["check"] == "hindrances"]
        ends = f"select pg_terminate_backend({other.info.backend_pid});"
        assert ends in finding["statements"]
        with served(database) as api:
            assert f"process {other.info.backend_pid} in database" in api.get("/operations").text
            assert soon(lambda: sample(api, "hindrances") >= 1)
            assert sample(api, "held_back_seconds") > 0
    site.drain()
    assert hindrances(cli) == []


def test_a_prepared_transaction_is_named(site: Installation, cli: CommandLine, server: str) -> None:
    name = f"left behind {uuid4().hex}"
    with psycopg.connect(server) as other:
        other.execute("select pg_current_xact_id()")
        other.execute(sql.SQL("prepare transaction {}").format(sql.Literal(name)))
    try:
        change_structure(site)
        [held] = [h for h in hindrances(cli) if h["application"] == name]
        assert held["cause"] == "prepared transaction"
    finally:
        with psycopg.connect(server, autocommit=True) as other:
            other.execute(sql.SQL("rollback prepared {}").format(sql.Literal(name)))


def test_what_may_not_be_seen_is_said(site: Installation, connect: Connect, server: str) -> None:
    role = sql.Identifier(f"bp_test_blind_{uuid4().hex[:12]}")
    run = site.connection.execute
    with forgotten(server):
        change_structure(site)
        run(sql.SQL("create role {}").format(role))
        for grant in (
            "grant usage, create on schema progress to {}",
            "grant select on all tables in schema progress to {}",
            "alter function progress.hindrances() owner to {}",
        ):
            run(sql.SQL(grant).format(role))  # type: ignore[arg-type]
        [said] = site.rows("select finding from progress.hindrances() where cause = 'hidden'")
        assert "pg_read_all_stats" in said[0]
        run(sql.SQL("grant pg_read_all_stats to {}").format(role))
        assert "hidden" not in {c for (c,) in site.rows("select cause from progress.hindrances()")}
    run("alter function progress.hindrances() owner to current_user")
    run(sql.SQL("drop owned by {}").format(role))
    run(sql.SQL("drop role {}").format(role))


def test_processes_of_the_server_hold_nothing_back() -> None:
    """Who may not read all statistics sees of them as little as of other sessions."""
    with own_server(durable=False) as server:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute("create role keeper login")
            admin.execute("create database kept owner keeper")
        url = server.url.replace("postgres@/postgres", "keeper@/kept")
        with psycopg.connect(url, autocommit=True) as connection:
            install.install(connection)
            site = Installation(connection)
            site.texts(1, drained=False)
            assert site.value("select count(*) from progress.unsettled_change") > 0
            assert site.rows("select finding from progress.hindrances()") == []
            with psycopg.connect(server.url):
                [[finding]] = site.rows("select finding from progress.hindrances()")
                assert finding.startswith("1 session of other roles")


@pytest.mark.parametrize("where", ["nowhere", "current", "postgres"])
def test_a_pg_cron_that_is_not_there_drains_nothing(
    site: Installation, cli: CommandLine, database: str, where: str
) -> None:
    """Its extension or database was dropped, or the database moved to a server without it."""
    if site.rows("select from pg_available_extensions where name = 'pg_cron'"):
        pytest.skip("this server could have pg_cron")
    there = site.value("select current_database()") if where == "current" else where
    site.run("update progress.settings set cron_database = %s", there)
    [missing] = hindrances(cli)
    assert missing["cause"] == "pg_cron"
    shown = " ".join(cli("status").assert_done().out.split())
    assert f"drained by nothing: {missing['finding']}" in shown
    with served(database) as api:
        assert missing["finding"] in api.get("/operations").text
