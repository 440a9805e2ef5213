"""Moving between the steps: the same answers, the same schema as a fresh install, nothing halfway."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from acceptance.installation import Installation
from bible_progress import errors
from bible_progress.engine import audit
from bible_progress.installing import install, schema, uninstall
from bible_progress.installing.rendering import ATTEMPT_MILLISECONDS
from bible_progress.reading import insights
from bible_progress.rollout import moves as rollout
from schema.catalog import assert_same_catalog, catalog
from support import oracle

WALKS = [(5, 4, 3, 2, 1), (5, 1, 2, 3, 4, 5), (5, 4, 5), (5, 3, 5, 2, 4, 1, 5)]
SUMMARY = "mv_text_version_progress_summary"


def relations(site: Installation) -> list[tuple[str, str]]:
    return site.rows(
        "select relname, relkind::text from pg_class where relnamespace = 'public'::regnamespace"
        " and relname like 'mv\\_%%' and relkind in ('m', 'v')"
    )  # type: ignore[return-value]


@pytest.mark.parametrize("walk", WALKS, ids=str)
def test_every_step_answers_exactly_and_stores_what_it_says(
    site: Installation, walk: tuple[int, ...]
) -> None:
    for before, after in pairwise(walk):
        moved = rollout.move(site.connection, after)
        assert (moved.before.number, moved.after.number) == (before, after)
        assert rollout.current(site.connection) == rollout.STEPS[after - 1]
        there = relations(site)
        assert len(there) == oracle.STORED_LEVELS[after]
        assert {kind for _, kind in there} <= {"v" if after == 5 else "m"}
        with oracle.snapshot(site.connection) as connection:
            assert oracle.inexact(connection) == []
            if after > 3:
                assert oracle.differences(connection, clean_only=True) == []
        site.run("update verse_texts set verse_text = '' where verse_id = 'gen-1-1'")
        site.run("update verse_texts set verse_text = 'Words.' where verse_id <> 'gen-1-1'")
        with oracle.snapshot(site.connection) as connection:
            assert oracle.inexact(connection) == []
        site.drain()
        if after > 3:
            with oracle.snapshot(site.connection) as connection:
                assert oracle.differences(connection, clean_only=False) == []
        assert audit.broken_triggers(site.connection) == []


def test_rollups_and_materialized_views_are_filled_before_they_are_shown(
    site: Installation,
) -> None:
    """Who reads mv_* must not meet zeros where there were numbers."""
    stored = f"select * from {SUMMARY} order by 1"
    numbers = site.rows(stored)
    for step in (4, 5, 4, 3, 5):
        rollout.move(site.connection, step)
        assert site.rows(stored) == numbers


def test_a_change_that_waits_stays_dirty_across_a_move(site: Installation) -> None:
    for step in (4, 5):
        site.run("delete from verse_texts where ctid = (select min(ctid) from verse_texts)")
        queued = site.queued()
        assert queued
        rollout.move(site.connection, step)
        assert site.queued() == queued
        with oracle.snapshot(site.connection) as connection:
            oracle.assert_promises(connection)
        site.drain()


@pytest.mark.parametrize("step", [2, 3, 4])
def test_what_a_move_fills_holds_what_waits(site: Installation, step: int) -> None:
    """Below step 4 nothing remembers afterwards that it waited."""
    site.run("delete from verse_texts where ctid = (select min(ctid) from verse_texts)")
    rollout.move(site.connection, step)
    with oracle.snapshot(site.connection) as connection:
        assert oracle.differences(connection, clean_only=False) == []


def test_a_snapshot_from_before_a_move_reads_exactly_after_it(
    site: Installation, database: str
) -> None:
    """What the new step stores was written after that snapshot; only the base tables are its own."""
    for step in (4, 5, 1, 5, 4, 3, 4):
        with psycopg.connect(database) as reader:
            reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            reader.execute("select from progress.settings")
            site.run("update verse_texts set verse_text = ''")
            site.drain()
            rollout.move(site.connection, step)
            site.drain()
            assert oracle.inexact(reader) == []
        site.run("update verse_texts set verse_text = 'Words.'")
        site.drain()


@pytest.mark.parametrize("strategy", install.STRATEGIES)
def test_a_walk_ends_in_the_schema_of_a_fresh_install(
    database: str, empty_database: str, strategy: str
) -> None:
    step = install.STRATEGIES[strategy]
    with psycopg.connect(empty_database, autocommit=True) as fresh:
        install.install(fresh, strategy=strategy)
        expected = catalog(fresh)
    with psycopg.connect(database, autocommit=True) as connection:
        for number in (4, 3, 2, 1, 2, 3, 4, 5, 3, 1, step):
            rollout.move(connection, number)
        assert_same_catalog(catalog(connection), expected)


@pytest.mark.parametrize("step", schema.STEPS)
def test_installing_again_keeps_the_step_and_its_numbers(site: Installation, step: int) -> None:
    rollout.move(site.connection, step)
    site.drain()
    before = catalog(site.connection)
    queued = site.queued()
    plan = install.install(site.connection)
    assert (plan.step, plan.signals_everything) == (step, False)
    assert_same_catalog(catalog(site.connection), before)
    assert site.queued() == queued
    assert oracle.inexact(site.connection) == []


@pytest.mark.parametrize("step", schema.STEPS)
def test_uninstall_leaves_nothing_behind_from_any_step(
    empty_database: str, server: str, step: int
) -> None:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        before = catalog(connection)
        install.install(connection)
        rollout.move(connection, step)
        uninstall.uninstall(connection)
        assert_same_catalog(catalog(connection), before)


def test_a_move_that_fails_changes_nothing(site: Installation, database: str) -> None:
    """A view of the host stands on ours."""
    site.run(f"create view host_view as select * from {SUMMARY}")
    before = catalog(site.connection)
    with pytest.raises(errors.InstallRefused, match="host_view"):
        rollout.move(site.connection, 4)
    assert_same_catalog(catalog(site.connection), before)
    site.assert_right()


def test_a_move_that_is_killed_changes_nothing(site: Installation, database: str) -> None:
    before = catalog(site.connection)

    def kill(what: str, done: int, total: int) -> None:
        if done == 3:
            site.run("select pg_terminate_backend(%s)", mover.info.backend_pid)

    with (
        psycopg.connect(database, autocommit=True) as mover,
        pytest.raises(errors.BibleProgressError),
    ):
        rollout.move(mover, 4, report=kill)
    assert_same_catalog(catalog(site.connection), before)
    site.assert_right()


def test_a_move_waits_for_a_drain_and_gives_up_in_time(site: Installation, database: str) -> None:
    with psycopg.connect(database) as drainer:
        site.run("update verse_texts set verse_text = ''")
        [(kind, version)] = drainer.execute(
            "select kind, version_id from progress.due_versions(1)"
        ).fetchall()
        drainer.commit()
        drainer.execute("select progress.drain_version(%s, %s)", [kind, version])
        with pytest.raises(errors.InstallRefused, match="a drain"):
            rollout.move(site.connection, 4, lock_timeout_seconds=0.2)
        drainer.commit()
    rollout.move(site.connection, 4, lock_timeout_seconds=240)


def test_drains_keep_out_of_a_move(site: Installation, database: str) -> None:
    outcomes: list[str] = []

    def drain(what: str, done: int, total: int) -> None:
        with psycopg.connect(database, autocommit=True) as drainer:
            [(kind, version)] = drainer.execute(
                "select kind, version_id from progress.due_versions(1)"
            ).fetchall()
            row = drainer.execute(
                "select outcome from progress.drain_version(%s, %s)", [kind, version]
            ).fetchone()
            assert row is not None
            outcomes.append(row[0])

    site.run("update verse_texts set verse_text = ''")
    rollout.move(site.connection, 4, report=drain)
    assert set(outcomes) == {"locked"}
    site.drain()
    assert oracle.differences(site.connection, clean_only=False) == []


@pytest.mark.parametrize("step", [0, 6])
def test_a_step_that_is_none_is_refused(conn: Connection[Any], step: int) -> None:
    with pytest.raises(errors.InputError, match=f"no step {step}"):
        rollout.move(conn, step)


def test_production_guards_the_steps(site: Installation) -> None:
    install.install(site.connection, environment="production")
    with pytest.raises(errors.GuardRefused):
        rollout.move(site.connection, 4)
    assert rollout.current(site.connection).number == 5
    rollout.move(site.connection, 4, override="measured")
    rollout.move(site.connection, 5, automated=True)
    assert site.value("select string_agg(reason, ',') from progress.override") == "measured"


def test_materialized_views_are_refused_where_rows_are_hidden(site: Installation) -> None:
    site.run("alter table text_versions enable row level security")
    for step in (4, 3, 2):
        with pytest.raises(errors.InstallRefused, match="text_versions"):
            rollout.move(site.connection, step)
    rollout.move(site.connection, 1)
    rollout.move(site.connection, 5)


def test_another_strategy_than_the_installed_one_is_refused(site: Installation) -> None:
    with pytest.raises(errors.InstallRefused, match="not views"):
        install.install(site.connection, strategy="views")
    assert install.install(site.connection, strategy="incremental").step == 5


@pytest.mark.parametrize("step", schema.STEPS)
def test_status_says_the_strategy(site: Installation, step: int) -> None:
    rollout.move(site.connection, step)
    state = insights.status(site.connection)
    assert (state.rollout_step, state.strategy) == (step, rollout.STEPS[step - 1].strategy)


def test_missing_indexes_are_created_once_and_broken_ones_anew(site: Installation) -> None:
    assert rollout.pending_indexes(site.connection) == ()
    site.run("drop index media_files_verses_verse_id_idx")
    site.run("create index progress_media_files_verses_verse_id_idx on media_files (id)")
    site.run(
        "update pg_index set indisvalid = false"
        " where indexrelid = 'progress_media_files_verses_verse_id_idx'::regclass"
    )
    [statement] = rollout.pending_indexes(site.connection)
    assert "concurrently" in statement
    assert rollout.create_indexes(site.connection) == (statement,)
    assert rollout.pending_indexes(site.connection) == ()
    assert rollout.create_indexes(site.connection) == ()


@pytest.mark.parametrize(
    ("before", "after", "relation"), [(5, 4, "version_history"), (4, 5, "version_rollup")]
)
def test_a_move_waits_for_whoever_reads_what_is_stored(
    site: Installation, database: str, before: int, after: int, relation: str
) -> None:
    rollout.move(site.connection, before)
    with psycopg.connect(database) as reader, ThreadPoolExecutor(1) as thread:
        reader.execute(f"select from progress.{relation}".encode())
        moving = thread.submit(rollout.move, site.connection, after, lock_timeout_seconds=240)
        # Longer than one attempt to get the locks.
        time.sleep(2 * ATTEMPT_MILLISECONDS / 1000)
        assert not moving.done()
        reader.rollback()
        moving.result(240)
    assert rollout.current(site.connection).number == after
