"""Drains of a role with a short statement timeout, as hosts give their API roles (3 s on Supabase)."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from acceptance.command_line import soon
from acceptance.installation import Installation
from faults.worker_inside import count, worker
from support import oracle


@pytest.fixture
def limited(site: Installation, database: str) -> Iterator[str]:
    """The URL of this test's database for a role whose statements end after 3 s."""
    name = sql.Identifier(f"bp_test_limited_{uuid4().hex[:12]}")
    password = uuid4().hex
    site.connection.execute(
        sql.SQL("create role {} login superuser password {}").format(name, sql.Literal(password))
    )
    site.connection.execute(sql.SQL("alter role {} set statement_timeout = '3s'").format(name))
    yield make_conninfo(database, user=name.as_string().strip('"'), password=password)
    site.connection.execute(sql.SQL("drop role {}").format(name))


def slow(site: Installation, seconds: dict[UUID, float], others: float) -> None:
    """Make the drain of every version take so long."""
    site.connection.execute(
        sql.SQL(
            "create function slow() returns trigger language plpgsql as $f$ begin"
            " perform pg_sleep(coalesce(({}::jsonb ->> new.version_id::text)::float, {}));"
            " return new; end $f$"
        ).format(
            sql.Literal(str({str(id_): s for id_, s in seconds.items()}).replace("'", '"')),
            sql.Literal(others),
        )
    )
    site.run(
        "create trigger slow after insert or update on progress.version_rollup"
        " for each row execute function slow()"
    )


def call(limited: str) -> None:
    """Call the drain as a scheduler would that lets it take as long as it may."""
    with psycopg.connect(limited, autocommit=True) as connection:
        connection.execute("call progress.drain(1000, 50)")


def waiting(site: Installation) -> set[UUID]:
    return {version for (version,) in site.rows("select distinct version_id from progress.dirty")}


def failed(site: Installation) -> set[UUID]:
    return {version for (version,) in site.rows("select version_id from progress.failure")}


def test_every_call_ends_in_time_and_drains_something(site: Installation, limited: str) -> None:
    """Four seconds of work, for which each call has three, and it may not be cut off in any."""
    versions = site.texts(20)
    slow(site, {}, others=0.2)
    for version in versions:
        site.touch(version)
    before = waiting(site)
    assert len(before) == 20
    while before:
        call(limited)
        after = waiting(site)
        assert after < before
        assert failed(site) == set(), "a drain was cut off"
        before = after
    site.assert_right()


def test_a_version_that_takes_too_long_starves_no_other(site: Installation, limited: str) -> None:
    """It is the oldest, so that every call meets it; what its calls drain comes before it."""
    bad, *good = site.texts(4)
    site.run("update progress.settings set dead_after = '0', backoff_base = '1 ms'")
    slow(site, {bad: 30.0}, others=0.01)
    for version in (bad, *good):
        site.touch(version)
    for calls, verse in enumerate(("gen-1-3", "gen-2-1", "gen-2-2", "exod-1-1"), start=1):
        before = waiting(site)
        call(limited)
        with oracle.snapshot(site.connection) as connection:
            oracle.assert_promises(connection)
        # Only the first call cannot know; it notes the failure.
        assert calls == 1 or before - waiting(site), "the one that fails kept all others back"
        for version in good:
            site.touch(version, verse)
    [(error, attempts)] = site.rows("select last_error, attempts from progress.failure")
    assert error.startswith("57014: ")
    assert attempts > 1
    assert site.dead() == 0, "a timeout may pass"


def test_a_version_that_needs_most_of_the_time_gets_it(site: Installation, limited: str) -> None:
    """Begun behind others it is cut off; then its turn comes while there is time for it."""
    *early, heavy, late = site.texts(8)
    site.run("update progress.settings set backoff_base = '1 ms'")
    slow(site, {heavy: 2.0}, others=0.2)
    for version in (*early, heavy, late):
        site.touch(version)
    for verse in ("gen-1-3", "gen-2-1", "gen-2-2", "exod-1-1"):
        call(limited)
        if heavy not in waiting(site):
            break
        for version in early:
            site.touch(version, verse)
    assert site.covered(heavy) == 3
    assert failed(site) == set()


def test_one_version_drained_by_itself_fails_like_any_other(
    site: Installation, limited: str
) -> None:
    [version] = site.texts(1)
    slow(site, {}, others=30.0)
    site.touch(version)
    with psycopg.connect(limited, autocommit=True) as connection:
        row = connection.execute(
            "select outcome, error from progress.drain_version('text', %s)", [version]
        ).fetchone()
    assert row is not None
    outcome, error = row
    assert outcome == "failed"
    assert error.startswith("57014: ")
    assert waiting(site) == {version}


def test_a_worker_of_that_role_takes_the_time_that_it_needs(
    site: Installation, limited: str
) -> None:
    [version] = site.texts(1)
    slow(site, {version: 3.5}, others=0.0)
    site.touch(version)
    with worker(limited) as counted:
        assert soon(lambda: site.covered(version) == 3)
    assert count(counted, "drains_total", kind="text", outcome="failed") == 0
    site.assert_right()


def test_changes_of_structure_are_settled_too(site: Installation, limited: str) -> None:
    site.texts(3)
    site.run("delete from verses where id = 'gen-1-3'")
    assert waiting(site)
    call(limited)
    assert waiting(site) == set()
    site.assert_right()


def test_the_role_really_has_the_timeout(limited: str) -> None:
    """Otherwise all of this would pass for nothing."""
    with psycopg.connect(limited, autocommit=True) as connection:
        assert connection.execute("show statement_timeout").fetchone() == ("3s",)
