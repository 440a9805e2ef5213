"""G8: twenty installs at once are one install, and one that is cut off leaves nothing behind."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from catalog import assert_same_catalog, catalog
from psycopg import Connection

from bible_progress import __version__
from bible_progress.errors import BibleProgressError
from bible_progress.installing import install
from support.builders import World
from support.oracle import drain_and_assert_same

AT_ONCE = 20


def patient(connection: Connection[Any]) -> install.Plan:
    """Install, and wait for as many before as there are, however slow the machine."""
    return install.install(connection, lock_timeout_seconds=240)


def install_at_once(url: str) -> list[install.Plan]:
    """Install from twenty sessions that are all connected before the first begins."""
    connections = [psycopg.connect(url, autocommit=True) for _ in range(AT_ONCE)]
    try:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return list(threads.map(patient, connections))
    finally:
        for connection in connections:
            connection.close()


def test_twenty_installs_on_an_empty_database_give_one_result(
    empty_database: str, conn: Connection[Any]
) -> None:
    plans = install_at_once(empty_database)
    firsts = [plan for plan in plans if plan.installed_version is None]
    assert len(firsts) == 1
    assert firsts[0].creates_host_tables
    assert all(plan.migrations == () for plan in plans if plan.installed_version)
    with psycopg.connect(empty_database) as connection:
        assert_same_catalog(catalog(connection), catalog(conn))
        rows = connection.execute("select name from progress.migration").fetchall()
        assert sorted(name for (name,) in rows) == sorted(firsts[0].migrations)
        assert connection.execute("select count(*) from progress.settings").fetchone() == (1,)


def test_twenty_installs_over_an_existing_one_change_nothing(database: str) -> None:
    with psycopg.connect(database) as connection:
        before = catalog(connection)
        world = World(connection)
        world.canon()
        world.text(world.text_version(), ["gen-1-1"])
    plans = install_at_once(database)
    assert {plan.installed_version for plan in plans} == {__version__}
    with psycopg.connect(database, autocommit=True) as connection:
        assert_same_catalog(catalog(connection), before)
        drain_and_assert_same(connection)


# The backend of the install is killed by the server itself when it does this for the nth time.
CUTS = {
    "between the host tables": ("CREATE TABLE", 6),
    "between our tables": ("CREATE TABLE", 15),
    "between the views": ("CREATE VIEW", 12),
    "between the triggers": ("CREATE TRIGGER", 17),
    "at the last policy": ("CREATE POLICY", 4),
}


@pytest.mark.parametrize("cut", CUTS)
def test_an_install_that_is_killed_leaves_nothing_behind(server: str, cut: str) -> None:
    tag, nth = CUTS[cut]
    name = f"bp_test_cut_{uuid4().hex[:8]}"
    url = psycopg.conninfo.make_conninfo(server, dbname=name)
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(
            psycopg.sql.SQL(
                "create database {} template template0 encoding 'UTF8' locale 'C'"
                " strategy file_copy"
            ).format(psycopg.sql.Identifier(name))
        )
        try:
            with psycopg.connect(url) as connection:
                before = catalog(connection)
            die_at(url, tag, nth)
            with (
                psycopg.connect(url, autocommit=True) as connection,
                pytest.raises(BibleProgressError),
            ):
                install.install(connection)
            assert connection.broken or connection.closed
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("drop event trigger die")
                connection.execute("drop function die")
                connection.execute("drop sequence times")
                assert_same_catalog(catalog(connection), before)
                assert install.install(connection).installed_version is None
        finally:
            admin.execute(
                psycopg.sql.SQL("drop database {} with (force)").format(
                    psycopg.sql.Identifier(name)
                )
            )


def test_an_upgrade_that_is_killed_leaves_the_old_one_working(
    database: str,
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        before = catalog(connection)
    die_at(database, "CREATE TRIGGER", 5)
    with (
        psycopg.connect(database, autocommit=True) as connection,
        pytest.raises(BibleProgressError),
    ):
        install.install(connection)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("drop event trigger die")
        connection.execute("drop function die")
        connection.execute("drop sequence times")
        assert_same_catalog(catalog(connection), before)
        world = World(connection)
        world.canon()
        world.text(world.text_version(), ["gen-1-1"])
        drain_and_assert_same(connection)


def die_at(url: str, tag: str, nth: int) -> None:
    """Make the server kill a session that does `tag` for the nth time.

    The count is a sequence, because that survives the rollback that the kill causes.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create sequence times")
        connection.execute(
            "create function die() returns event_trigger language plpgsql as $$ begin"
            f" if nextval('public.times') = {nth} then"
            " perform pg_terminate_backend(pg_backend_pid()); end if; end $$"
        )
        connection.execute(
            f"create event trigger die on ddl_command_end when tag in ('{tag}')"  # type: ignore[arg-type]
            " execute function die()"
        )
