"""`bible-progress serve`: one process that answers, drains and stops when told."""

from __future__ import annotations

import argparse
import json
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from acceptance.command_line import CommandLine, interrupt, soon
from acceptance.installation import Installation
from bible_progress.cli import serve


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("drains", [True, False])
def test_it_serves_where_it_says_and_stops_when_told(
    cli: CommandLine, site: Installation, number: signal.Signals, drains: bool
) -> None:
    [version] = site.texts(1)
    site.touch(version)
    flags = () if drains else ("--no-worker",)
    with cli.started("serve", "--port", "0", *flags) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        path = f"{address}api/v1/versions/text/{version}"
        with httpx.Client(timeout=240) as client:
            if drains:
                assert soon(lambda: not client.get(path).json()["pending"])
            answer = client.get(path).json()
            assert (answer["covered_verses"], answer["pending"]) == (3, not drains)
            # A listener must not keep it.
            with client.stream("GET", f"{address}api/v1/events") as events:
                next(events.iter_lines())
                ended = interrupt(process, number)
    assert ended.code == 0, ended
    assert site.queued() == (0 if drains else 1)
    with pytest.raises(httpx.ConnectError):
        httpx.get(path)


def test_it_refuses_to_listen_to_others_without_a_secret(
    cli: CommandLine, site: Installation
) -> None:
    refused = cli("serve", "--host", "0.0.0.0", "--port", "0")
    refused.assert_refused(2, "0.0.0.0", "secret")


def test_a_database_without_bible_progress_is_told_at_once(empty_database: str) -> None:
    CommandLine(empty_database)("serve", "--port", "0").assert_refused(6, "not installed")


@pytest.mark.parametrize(
    "command",
    [
        ("worker", "--concurrency", "999999"),
        ("serve", "--port", "0", "--concurrency", "999999", "--pool-size", "999999"),
        ("serve", "--port", "0", "--no-worker", "--pool-size", "999999"),
    ],
    ids=["worker", "server with a worker", "server"],
)
def test_whatever_is_asked_others_keep_connections(
    cli: CommandLine, site: Installation, command: tuple[str, ...]
) -> None:
    versions = site.texts(20)
    name = site.value("select current_database()")
    site.run(f'alter database "{name}" connection limit 20')
    opened = "select count(*) from pg_stat_activity where datname = current_database()"
    with cli.started(*command) as process, ThreadPoolExecutor(40) as visitors:
        for version in versions:
            site.touch(version)
        if command[0] == "serve":
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            holder = psycopg.connect(cli.url)
            holder.execute("lock table progress.version_rollup in access exclusive mode")
            asked = [
                visitors.submit(httpx.get, f"{address}api/v1/versions?limit={n}", timeout=240)
                for n in range(1, 41)
            ]
            # As many as may are waiting for the lock.
            most = 0
            while (now := site.value(opened)) > most:
                most = now
                time.sleep(1)
            assert most <= 17
            holder.close()
            assert {answer.result().status_code for answer in asked} <= {200, 503}
        if "--no-worker" not in command:
            assert soon(lambda: site.queued() == 0)
        assert site.value(opened) <= 17
        ended = interrupt(process, signal.SIGTERM)
    assert ended.code == 0, ended
    said = [line for line in map(json.loads, ended.err.splitlines()) if "opened" in line]
    assert said
    assert all(max(line["opened"]) < 20 for line in said)


@pytest.mark.parametrize(
    ("flag", "parse", "values"),
    [
        (
            "--cors-origins",
            serve._cors_origins,
            ["evil", "https://", "//evil.example", "https://a.example/path", "https://a.example/",
             "ftp://a.example", "https://a.example:99999", "https://a.example,", "null", "*,*",
             "https://me@a.example", "https://a b.example", "https://*.example"],
        ),
        (
            "--allowed-hosts",
            serve._allowed_hosts,
            ["***,", "*,", "a..example", "https://a.example", "a.example:80", "a.example/", "a b",
             ".example", "*example", "a.*.example", ",", "-a.example", "[::1", "a.example;b"],
        ),
    ],
)  # fmt: skip
def test_names_that_no_browser_sends_are_refused(
    cli: CommandLine, flag: str, parse: Callable[[str], object], values: list[str]
) -> None:
    for value in values:
        with pytest.raises(argparse.ArgumentTypeError):
            parse(value)
    refused = cli("serve", f"{flag}={values[0]}")
    assert (refused.code, "Traceback" in refused.err) == (2, False)
    assert flag in refused.err


def test_names_that_browsers_send_are_taken(cli: CommandLine, site: Installation) -> None:
    flags = (
        "--cors-origins=https://a.example,http://localhost:3000,http://[::1]:80",
        "--allowed-hosts=127.0.0.1,*.a.example,a_b.internal,[::1],xn--bcher-kva.example",
    )
    with cli.started("serve", "--port", "0", "--no-worker", *flags) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        for origin in ("https://a.example", "http://localhost:3000"):
            answer = httpx.get(f"{address}api/v1/versions", headers={"Origin": origin}, timeout=240)
            assert answer.headers["access-control-allow-origin"] == origin
        for host, status in (("x.a.example", 200), ("A_B.internal", 200), ("b.example", 400)):
            assert httpx.get(f"{address}healthz", headers={"Host": host}).status_code == status
