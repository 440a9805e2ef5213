"""progress_refresh and progress.drain, called by roles that may do little and not for long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection, errors

from security.supabase import Project, Site, acting_as, value
from support.oracle import assert_same

CALLS = {
    "service_role": "select progress_refresh()",
    "progress_worker": "call progress.drain()",
}


@pytest.fixture
def many(site: Site) -> list[UUID]:
    """Twelve texts that wait to be drained, each of which takes a quarter of a second."""
    world = site.project.world
    versions = [world.text_version(name=f"Text {n}") for n in range(12)]
    for version in versions:
        world.text(version, ["gen-1-1", "exod-1-1"])
    slow_down(site.connection, "0.25")
    return versions


def slow_down(connection: Connection[Any], seconds: str, which: str = "true") -> None:
    """Make drains that change a summary take that long."""
    connection.execute(
        "create or replace function public.slow() returns trigger language plpgsql as"  # type: ignore[arg-type]
        f" $$ begin if {which} then perform pg_catalog.pg_sleep({seconds}); end if;"
        " return new; end $$"
    )
    connection.execute(
        "create or replace trigger slow before insert or update on progress.version_rollup"
        " for each row execute function public.slow()"
    )


def left(site: Site) -> int:
    return value(site.connection, "select count(distinct version_id) from progress_refresh_queue")


@contextmanager
def caller(site: Site, role: str, timeout: str = "0") -> Iterator[Connection[Any]]:
    """A session as a scheduler opens it: a login that becomes the role."""
    login = "authenticator" if role == "service_role" else role
    with psycopg.connect(site.url(login), autocommit=True) as session:
        session.execute(f"set role {role}")  # type: ignore[arg-type]
        session.execute("select set_config('statement_timeout', %s, false)", [timeout])
        yield session


@pytest.mark.parametrize("role", CALLS)
def test_a_caller_with_three_seconds_makes_progress_every_time(
    site: Site, many: list[UUID], role: str
) -> None:
    # And a queue that nobody has looked at for long.
    site.connection.execute(
        "insert into progress_refresh_queue (kind, version_id)"
        " select 'text', gen_random_uuid() from generate_series(1, 20000)"
    )
    calls = 0
    with caller(site, role, "3s") as session:
        for _ in range(3):
            before = left(site)
            session.execute(CALLS[role])  # type: ignore[arg-type]
            assert left(site) < before
            calls += 1
        site.connection.execute(
            "delete from progress_refresh_queue where version_id not in"
            " (select id from text_versions union all select id from audio_versions)"
        )
        while before := left(site):
            session.execute(CALLS[role])  # type: ignore[arg-type]
            assert left(site) < before
            calls += 1
            assert calls < 20
    assert value(site.connection, "select count(*) from progress.failure") == 0
    assert_same(site.connection)


@pytest.mark.parametrize("role", CALLS)
def test_a_version_that_takes_longer_than_the_caller_has_fails_alone(
    site: Site, many: list[UUID], role: str
) -> None:
    """Its drain is cut off and counted; the call ends well and keeps what it did."""
    site.connection.execute("update progress.settings set backoff_base = '1 hour'")
    slow_down(site.connection, "20", f"new.version_id = '{many[0]}'")
    with caller(site, role, "2s") as session:
        while left(site) > 1:
            before = left(site) + value(site.connection, "select -count(*) from progress.failure")
            session.execute(CALLS[role])  # type: ignore[arg-type]
            after = left(site) + value(site.connection, "select -count(*) from progress.failure")
            assert after < before
    failures = site.connection.execute(
        "select version_id, last_error like '57014%' from progress.failure"
    ).fetchall()
    assert failures == [(many[0], True)]


def test_what_it_did_is_told(site: Site, many: list[UUID]) -> None:
    slow_down(site.connection, "0")
    with caller(site, "service_role") as session:
        told = value(session, "select progress_refresh(seconds => 10)")
        again = value(session, "select progress_refresh()")
    assert (told["drained"], told["failed"], told["remaining"]) == (12, 0, 0)
    assert told["seconds"] >= 0
    assert (again["drained"], again["failed"], again["remaining"]) == (0, 0, 0)
    assert_same(site.connection)


def test_the_timeout_is_one_that_postgrest_applies_and_nobody_else_keeps(
    site: Site, many: list[UUID]
) -> None:
    slow_down(site.connection, "0")
    settings = value(
        site.connection, "select proconfig from pg_proc where proname = 'progress_refresh'"
    )
    assert "statement_timeout=60s" in settings
    with caller(site, "service_role", "7s") as session:
        session.execute("select progress_refresh()")
        assert value(session, "show statement_timeout") == "7s"


@pytest.mark.parametrize("writes", [True, False])
def test_a_call_waits_for_the_disk_only_for_writes_of_its_caller(
    project: Project, writes: bool
) -> None:
    project.connection.execute("set local synchronous_commit = on")
    if writes:
        project.connection.execute("delete from verse_texts where verse_id = 'gen-1-1'")
    with acting_as(project.connection, "service_role"):
        told = value(project.connection, "select progress_refresh()")
        assert told["drained"] == (2 if writes else 0)
        assert value(project.connection, "show synchronous_commit") == "on"


def test_a_call_that_only_drains_does_not_wait_for_the_disk(site: Site, many: list[UUID]) -> None:
    slow_down(site.connection, "0")
    with caller(site, "service_role") as session, session.transaction():
        session.execute("set local synchronous_commit = on")
        session.execute("select progress_refresh()")
        assert value(session, "show synchronous_commit") == "off"


def test_calls_that_overlap_do_everything_once(site: Site, many: list[UUID]) -> None:
    told: list[Any] = []

    def call() -> None:
        with caller(site, "service_role") as session:
            told.append(value(session, "select progress_refresh(10)"))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each["drained"] for each in told) == 12
    assert sum(each["failed"] for each in told) == 0
    assert left(site) == 0
    assert_same(site.connection)


def test_a_snapshot_for_the_whole_call_is_refused(site: Site, many: list[UUID]) -> None:
    with caller(site, "service_role") as session:
        session.execute("begin isolation level repeatable read")
        with pytest.raises(errors.DatabaseError) as refused:
            session.execute("select progress_refresh()")
    assert refused.value.sqlstate == "BP004"


@pytest.mark.parametrize("seconds", ["0", "-1", "51", "null", "'nan'"])
def test_a_time_that_is_none_is_refused(project: Project, seconds: str) -> None:
    with (
        pytest.raises(errors.DatabaseError) as refused,
        acting_as(project.connection, "service_role"),
    ):
        project.connection.execute(f"select progress_refresh({seconds})")  # type: ignore[arg-type]
    assert refused.value.sqlstate == "BP002"


def test_a_drain_without_an_end_is_refused(site: Site) -> None:
    with (
        pytest.raises(errors.DatabaseError) as refused,
        caller(site, "progress_worker") as session,
    ):
        session.execute("call progress.drain(null, null)")
    assert refused.value.sqlstate == "BP002"
