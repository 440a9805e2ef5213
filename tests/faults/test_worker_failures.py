"""The drain loops of a worker among versions that fail, hang, or take their connection down."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from psycopg.conninfo import make_conninfo

from acceptance.command_line import soon
from acceptance.installation import Installation
from bible_progress.engine.drain import Drainer
from bible_progress.models import Due
from faults.worker_inside import count, worker


def sabotage(site: Installation, version: UUID, action: str) -> None:
    """Run `action` in every drain that changes the summary of a version."""
    site.run(
        "create function sabotage() returns trigger language plpgsql as $f$ begin"
        f" if new.version_id = '{version}' then {action}; end if; return new; end $f$"
    )
    site.run(
        "create trigger sabotage before insert or update on progress.version_rollup"
        " for each row execute function sabotage()"
    )


def end_sabotage(site: Installation) -> None:
    site.run("drop function sabotage() cascade")


def recovered(site: Installation, version: UUID, verses: int) -> bool:
    """Whether the version is right again; a loop may put it off once more after the others."""
    site.run("update progress.failure set next_attempt_at = now()")
    return site.covered(version) == verses


def test_a_version_that_takes_its_connection_down_is_recorded_and_others_proceed(
    site: Installation, database: str
) -> None:
    """One lost connection is the server's matter; a second with the same version is its own."""
    bad, *good = site.texts(6)
    site.run("update progress.settings set backoff_base = '1 h', backoff_cap = '10 h'")
    sabotage(site, bad, "perform pg_terminate_backend(pg_backend_pid())")
    with worker(database) as metrics:
        for version in (bad, *good):
            site.touch(version)
        assert soon(lambda: {site.covered(version) for version in good} == {3})
        assert soon(lambda: site.rows("select from progress.failure"))
        [(failed, error)] = site.rows("select version_id, last_error from progress.failure")
        assert failed == bad
        assert "connection" in error
        assert count(metrics, "reconnects_total") >= 2
        # It backs off, so the loops are free for others.
        for version in good:
            site.touch(version, "gen-1-3")
        assert soon(lambda: {site.covered(version) for version in good} == {4})
        end_sabotage(site)
        assert soon(lambda: recovered(site, bad, 3))
        assert soon(lambda: not site.rows("select from progress.failure"))
    site.assert_right()


def test_a_version_that_always_takes_its_connection_down_is_tried_on_and_on(
    site: Installation, database: str
) -> None:
    bad, good = site.texts(2)
    site.run("update progress.settings set backoff_base = '1 ms', dead_after = '0'")
    sabotage(site, bad, "perform pg_terminate_backend(pg_backend_pid())")
    with worker(database, concurrency=1):
        site.touch(bad)
        assert soon(lambda: site.rows("select from progress.failure where attempts > 1"), 40)
        site.touch(good)
        assert soon(lambda: site.covered(good) == 3)
    assert (site.queued(), site.dead()) == (1, 0)
    assert site.value("select left(last_error, 5) from progress.failure") == "08006"


def test_a_lost_connection_is_not_held_against_a_version_that_was_drained_since(
    site: Installation,
) -> None:
    """Another loop may have been quicker; a record now would show a failure for ever."""
    [version] = site.texts(1)
    due = Due(kind="text", version_id=version, oldest_at=datetime.now(UTC))
    Drainer(site.connection).record_failure(due, "the connection was lost")
    assert site.rows("select from progress.failure") == []
    site.touch(version)
    Drainer(site.connection).record_failure(due, "the connection was lost")
    assert len(site.rows("select from progress.failure")) == 1


def test_a_version_that_hangs_under_a_short_statement_timeout_delays_nobody(
    site: Installation, database: str
) -> None:
    """Hosts give roles such a limit: 3 s for the API roles of Supabase, here a tenth of it."""
    bad, *good = site.texts(6)
    site.run("update progress.settings set backoff_base = '1 h', backoff_cap = '10 h'")
    sabotage(site, bad, "perform pg_sleep(30)")
    limited = make_conninfo(database, options="-c statement_timeout=300")
    with worker(limited) as metrics:
        for version in (bad, *good):
            site.touch(version)
        assert soon(lambda: {site.covered(version) for version in good} == {3})
        assert soon(lambda: count(metrics, "retries_total") == 1)
        [(failed, error)] = site.rows("select version_id, last_error from progress.failure")
        assert failed == bad
        assert error.startswith("57014")
        end_sabotage(site)
        assert soon(lambda: recovered(site, bad, 3))
    site.assert_right()


def test_whole_bibles_drain_under_a_statement_timeout_of_3_seconds(
    site: Installation, database: str
) -> None:
    site.world.canon("big", {f"b{n}": (30,) * 20 for n in range(1, 11)})
    versions = [site.world.text_version("big") for _ in range(4)]
    for version in versions:
        site.run(
            "insert into verse_texts (text_version_id, verse_id, verse_text)"
            " select %s, id, 'Words.' from verses",
            version,
        )
    with worker(make_conninfo(database, options="-c statement_timeout=3000")) as metrics:
        assert soon(lambda: site.queued() == 0, 60)
        assert count(metrics, "retries_total") == 0
    assert {site.covered(version) for version in versions} == {6000}
    assert site.rows("select from progress.failure") == []


def test_a_failing_version_is_isolated_and_counted(site: Installation, database: str) -> None:
    bad, *good = site.texts(6)
    site.run("update progress.settings set backoff_base = '1 h', backoff_cap = '10 h'")
    sabotage(site, bad, "raise exception 'poisoned'")
    with worker(database, concurrency=1) as metrics:
        for version in (bad, *good):
            site.touch(version)
        assert soon(lambda: {site.covered(version) for version in good} == {3})
        assert soon(lambda: count(metrics, "drains_total", kind="text", outcome="failed") == 1)
        assert count(metrics, "drains_total", kind="text", outcome="drained") == len(good)
        assert count(metrics, "retries_total") == 1
        assert soon(lambda: count(metrics, "failing_versions") == 1)
        assert count(metrics, "queue_depth") == 1
    assert site.rows("select version_id, attempts, last_error from progress.failure") == [
        (bad, 1, "P0001: poisoned")
    ]
    assert site.covered(bad) == 2


def test_a_failure_that_cannot_be_recorded_delays_nobody(site: Installation, database: str) -> None:
    """As when the disk is full for the record too: the drain ends in an error of its own."""
    bad, *good = site.texts(6)
    sabotage(site, bad, "raise exception 'poisoned'")
    site.run("alter table progress.failure add constraint full_disk check (false) not valid")
    with worker(database, concurrency=1):
        for version in (bad, *good):
            site.touch(version)
        assert soon(lambda: {site.covered(version) for version in good} == {3})
        assert site.queued() == 1
        site.run("alter table progress.failure drop constraint full_disk")
        end_sabotage(site)
        assert soon(lambda: recovered(site, bad, 3))
    site.assert_right()


def test_a_failure_is_one_attempt_however_many_loops_run(site: Installation, database: str) -> None:
    """Every loop has the version in its list; the first that fails puts it off for all of them.

    Otherwise eight loops use up eight attempts at once, and a hiccup makes a dead letter.
    """
    *good, bad = site.texts(40)
    site.run("update progress.settings set backoff_base = '1 h', backoff_cap = '10 h'")
    site.run(
        "create function sabotage() returns trigger language plpgsql as $f$ begin"
        f" perform pg_sleep(0.01); if new.version_id = '{bad}' then raise exception 'poisoned';"
        " end if; return new; end $f$"
    )
    site.run(
        "create trigger sabotage before insert or update on progress.version_rollup"
        " for each row execute function sabotage()"
    )
    with site.connection.transaction():
        for version in (*good, bad):
            site.touch(version)
    with worker(database, concurrency=8):
        assert soon(lambda: {site.covered(version) for version in good} == {3})
        assert soon(lambda: site.queued() + site.dead() == 1)
    assert site.rows("select attempts from progress.failure") == [(1,)]
