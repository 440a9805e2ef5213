"""bible-progress refresh"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from psycopg import Connection

from acceptance.command_line import CommandLine, finish, interrupt, soon
from acceptance.installation import BLOCKED_DRAIN, Installation, held
from bible_progress.rollout import moves as rollout


def test_refresh_drains_until_the_queue_is_empty(cli: CommandLine, site: Installation) -> None:
    # More than one batch.
    versions = site.texts(60, drained=False)
    done = cli("refresh").assert_done()
    assert "60 versions" in done.out
    assert site.queued() == 0
    assert {site.covered(version) for version in versions} == {2}
    site.assert_right()
    assert "0 versions" in cli("refresh").assert_done().out


def test_all_recomputes_what_no_signal_names(cli: CommandLine, site: Installation) -> None:
    first, second = site.texts(2)
    for version in (first, second):
        site.plant_drift(version)
    cli("refresh").assert_done()
    assert site.covered(first) == 3
    cli("refresh", "--all").assert_done()
    assert (site.covered(first), site.covered(second)) == (2, 2)
    site.assert_right()


def test_one_version_can_be_recomputed(cli: CommandLine, site: Installation) -> None:
    first, second = site.texts(2)
    for version in (first, second):
        site.plant_drift(version)
    cli("refresh", "--version", second).assert_done()
    assert (site.covered(first), site.covered(second)) == (3, 2)


def test_a_version_that_only_the_rollups_know_is_swept_out(
    cli: CommandLine, site: Installation
) -> None:
    [version] = site.texts(1)
    site.run("alter table text_versions disable trigger user")
    site.run("delete from text_versions")
    site.run("alter table text_versions enable trigger user")
    cli("refresh", "--version", version).assert_done()
    assert site.rows("select from progress.version_rollup") == []


def test_an_unknown_version_is_bad_input(cli: CommandLine, site: Installation) -> None:
    unknown = uuid4()
    cli("refresh", "--version", unknown).assert_refused(7, str(unknown))
    assert site.queued() == 0


def test_a_malformed_version_is_wrong_usage(cli: CommandLine) -> None:
    done = cli("refresh", "--version", "gen-1")
    assert done.code == 2
    assert "gen-1" in done.err
    assert cli("refresh", "--all", "--version", uuid4()).code == 2


def test_work_that_remains_has_its_own_exit_code(cli: CommandLine, site: Installation) -> None:
    bad, good = site.texts(2)
    # Once the first attempt has failed, the next one is not due while the command runs.
    site.run("update progress.settings set backoff_base = '1 day', backoff_cap = '100 days'")
    site.fail_drains_of(bad)
    for version in (bad, good):
        site.touch(version)
    cli("refresh").assert_refused(10, "1 version ")
    assert (site.covered(bad), site.covered(good)) == (2, 3)
    site.stop_failing()
    site.run("update progress.failure set next_attempt_at = now()")
    cli("refresh").assert_done()
    assert site.covered(bad) == 3
    site.assert_right()


def test_dead_letters_are_work_that_remains(cli: CommandLine, site: Installation) -> None:
    [version] = site.texts(1)
    site.bury(version)
    cli("refresh").assert_refused(10, "1 signal ")
    # Recomputing the version makes its letters void.
    cli("refresh", "--version", version).assert_done()
    assert site.dead() == 0
    site.assert_right()


def test_unsettled_changes_are_told_and_are_no_failure(
    cli: CommandLine, site: Installation, connect: Callable[..., Connection[Any]]
) -> None:
    site.texts(1)
    beside = connect(autocommit=False)
    beside.execute("select pg_current_xact_id()")
    site.run("insert into verses (id, verse_number, chapter_id) values ('gen-2-3', 3, 'gen-2')")
    assert "1 change " in cli("refresh").assert_done().out
    beside.rollback()
    cli("refresh").assert_done()
    site.assert_right()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_refresh_can_be_run_again(
    cli: CommandLine,
    site: Installation,
    connect: Callable[..., Connection[Any]],
    number: signal.Signals,
) -> None:
    # An interrupt is no failure: a version that was in hand must not back off because of it.
    site.run("update progress.settings set backoff_base = '1 day', backoff_cap = '100 days'")
    versions = site.texts(3)
    for version in versions:
        site.touch(version)
    with held(connect(), versions[1]), cli.started("refresh") as process:
        assert soon(lambda: site.rows(BLOCKED_DRAIN))
        assert interrupt(process, number).code == 130
        # What was drained before is kept, what was in hand is queued again.
        assert soon(lambda: site.queued() == 2)
    cli("refresh").assert_done()
    assert {site.covered(version) for version in versions} == {3}
    site.assert_right()


def test_two_refreshes_side_by_side_are_harmless(cli: CommandLine, site: Installation) -> None:
    site.texts(40, drained=False)
    with cli.started("refresh") as one, cli.started("refresh") as other:
        codes = [finish(process).code for process in (one, other)]
    assert codes == [0, 0]
    assert site.queued() == 0
    site.assert_right()


def test_versions_that_came_past_the_triggers_are_refreshed(
    cli: CommandLine, site: Installation
) -> None:
    site.texts(1)
    versions = site.load(3)
    assert site.queued() == 0
    assert "3 versions came or went past the triggers" in cli("status").assert_done().out
    assert "drained 3 versions" in cli("refresh").assert_done().out
    assert {site.covered(version) for version in versions} == {2}
    site.assert_right()
    assert "past the triggers" not in cli("status").assert_done().out
    cli("verify").assert_done()


@pytest.mark.parametrize("step", [2, 3, 4])
def test_materialized_views_that_are_not_filled_are_filled(
    cli: CommandLine, site: Installation, step: int
) -> None:
    site.texts(1)
    rollout.move(site.connection, step)
    site.drain()
    for (name,) in site.rows("select matviewname::text from pg_matviews"):
        site.run(f"refresh materialized view {name} with no data")
    assert "materialized views; a worker" in cli("status").assert_done().out
    cli("refresh").assert_done()
    assert site.rows("select from pg_matviews where not ispopulated") == []
    assert "materialized views" not in cli("status").assert_done().out


@pytest.mark.parametrize("command", ["refresh", "install"])
def test_signals_that_were_loaded_with_old_numbers_are_found(
    site: Installation, cli: CommandLine, command: str
) -> None:
    """Searches begin behind the signals that are gone; loaded rows may stand before that."""
    [version] = site.texts(1)
    site.run("select progress.advance_watermark()")
    assert site.value("select xid > '3' from progress.queue_start")
    site.run(
        "insert into progress_refresh_queue (kind, version_id, xid) values ('text', %s, '3')",
        version,
    )
    assert site.value("select count(*) from progress.queued") == 0
    cli(command).assert_done()
    assert site.value("select count(*) from progress.queued") == site.queued()
    site.drain()
    assert site.queued() == 0
