"""What a user meets before any work is done: no database, a wrong one, one that says no."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from acceptance.command_line import CommandLine
from acceptance.installation import Installation

SECRET = "s3cr3t-w0rd"
OF_THE_OWNER = (("install",), ("uninstall", "--yes"))
IN_AN_INSTALLATION = (
    ("status",),
    ("worker",),
    ("refresh",),
    ("verify",),
    ("dead-letter", "list"),
    ("dead-letter", "retry", "--all"),
    ("dead-letter", "discard", "00000000-0000-0000-0000-000000000001"),
    ("import", "canon"),
)


@pytest.fixture
def stranger(server: str, database: str) -> Iterator[str]:
    """The URL of `database` for a role that nobody granted anything."""
    name = f"stranger_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"create role {name} login password '{SECRET}'")  # type: ignore[arg-type]
        yield make_conninfo(database, user=name, password=SECRET)
        admin.execute(f"drop role {name}")  # type: ignore[arg-type]


def test_no_database_is_wrong_usage() -> None:
    for arguments in (("install",), ("status",), ("worker",), ("dead-letter", "list")):
        CommandLine(None)(*arguments).assert_refused(2, "DATABASE_URL")
    CommandLine("")("import", "canon").assert_refused(2, "DATABASE_URL")


def test_an_unreachable_server_is_told_without_the_password() -> None:
    for url in (
        f"postgresql://me:{SECRET}@127.0.0.1:1/mine",
        f"host=127.0.0.1 port=1 user=me password={SECRET}",
        f"postgresql://me:{SECRET}@host.invalid/mine",
        f"postgresql://me:{SECRET}@/mine?host={quote(os.devnull, safe='')}",
    ):
        done = CommandLine(url)("status").assert_refused(3)
        assert SECRET not in done.out + done.err


@pytest.mark.parametrize(
    "url",
    [
        f"postgresq://me:{SECRET}@localhost/mine",
        f"http://me:{SECRET}@localhost/mine",
        f"postgresql://me:{SECRET}@[::1/mine",
        f"postgresql://me:{SECRET}%zz@localhost/mine",
        f"postgresql://me:{SECRET}@localhost/mine?nonsense=1",
        f"postgresql://me:{SECRET}@localhost/mine?connect_timeout=soon",
        f"me:{SECRET}@localhost/mine",
        f"host=localhost password={SECRET} mine",
    ],
)
def test_a_malformed_url_is_wrong_usage_and_is_not_printed(url: str) -> None:
    done = CommandLine(url)("status").assert_refused(2)
    assert SECRET not in done.out + done.err


def test_a_database_that_does_not_exist_is_no_connection(server: str) -> None:
    absent = f"absent_{uuid4().hex}"
    CommandLine(make_conninfo(server, dbname=absent))("status").assert_refused(3, absent)


@pytest.mark.parametrize("arguments", IN_AN_INSTALLATION, ids=" ".join)
def test_a_database_without_it_needs_an_install(
    empty_database: str, arguments: tuple[str, ...]
) -> None:
    CommandLine(empty_database)(*arguments).assert_refused(6, "install")


def test_a_read_only_database_refuses_writes(cli: CommandLine, site: Installation) -> None:
    [version] = site.texts(1)
    letter = site.bury(version)
    site.touch(version, "gen-1-3")
    read_only = {"PGOPTIONS": "-c default_transaction_read_only=on"}
    # A dry run tells what an install would meet.
    for arguments in (("install",), ("install", "--dry-run")):
        cli(*arguments, env=read_only).assert_refused(5, "default_transaction_read_only")
    for arguments in (
        ("uninstall", "--yes"),
        ("refresh",),
        ("refresh", "--all"),
        ("dead-letter", "retry", letter),
        ("dead-letter", "discard", letter),
        ("import", "canon", "--id", "new", "--id-prefix", "new-"),
    ):
        cli(*arguments, env=read_only).assert_refused(4, "read-only")
    assert (site.queued(), site.dead()) == (1, 1)
    for arguments in (("status",), ("dead-letter", "list")):
        cli(*arguments, env=read_only).assert_done()
    cli("verify", env=read_only).assert_refused(10, "with dead letters")


def test_a_role_without_privileges_is_told_so(site: Installation, stranger: str) -> None:
    site.texts(1, drained=False)
    before = (site.relations(), site.queued())
    cli = CommandLine(stranger)
    refused = [
        cli(*arguments).assert_refused(5, "belongs to another role") for arguments in OF_THE_OWNER
    ]
    refused += [
        cli(*arguments).assert_refused(4, "permission denied") for arguments in IN_AN_INSTALLATION
    ]
    for done in refused:
        assert "Connect as" in done.err
        assert SECRET not in done.err
    assert (site.relations(), site.queued()) == before


def test_a_role_that_may_not_log_in_is_no_connection(stranger: str, server: str) -> None:
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"alter role {conninfo_to_dict(stranger)['user']} nologin")  # type: ignore[arg-type]
    done = CommandLine(stranger)("status").assert_refused(3)
    assert SECRET not in done.err
