"""Writers and drains step by step: what each order may and may not do.

A1-A8 and E4 are the interleavings that broke other designs (docs/explanation, "lost signals").
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
import scenarios
from psycopg import errors
from scenarios import TEXT, UNTEXT, text_at_rest

from support import oracle
from support.sessions import WAIT_SECONDS, Stage, assert_blocked, assert_not_blocked

SCENARIOS: list[Callable[[Stage], None]] = [
    scenarios.commit_while_a_drain_is_under_way_is_kept,
    scenarios.signal_before_the_claim_and_commit_after_it_is_kept,
    scenarios.writer_does_not_wait_for_a_drain_that_holds_its_claim,
    scenarios.writers_of_one_version_do_not_wait_for_each_other,
    scenarios.writers_in_opposite_order_do_not_deadlock,
    scenarios.drain_with_old_numbers_cannot_overwrite_newer_ones,
    scenarios.drain_stores_what_was_committed_before_it,
    scenarios.drained_twice_is_not_a_failure,
    scenarios.old_place_of_a_text_that_moves_is_refreshed,
    scenarios.old_place_of_a_recording_that_moves_is_refreshed,
    scenarios.old_place_of_a_timing_that_moves_is_refreshed,
    scenarios.chapters_of_the_timings_of_a_deleted_file_are_refreshed,
    scenarios.chapter_that_loses_its_last_verse_is_forgotten,
    scenarios.version_that_loses_all_its_verses_is_emptied,
    scenarios.summary_follows_its_books,
    scenarios.timing_beside_a_range_is_counted,
    scenarios.note_of_a_running_writer_outlives_a_whole_recompute,
    scenarios.note_of_a_writer_that_commits_within_a_recompute_is_kept,
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_scenario_holds(stage: Stage, scenario: Callable[[Stage], None]) -> None:
    scenario(stage)


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_writer_with_an_old_snapshot_is_never_refused_because_of_us(
    stage: Stage, isolation: str
) -> None:
    """A7: its version's signals came, went and came again since its snapshot."""
    version = text_at_rest(stage)
    stage.execute(TEXT, [version, "gen-1-1"])
    writer = stage.session("writer")
    writer.begin(isolation)
    stage.drain()
    stage.execute(TEXT, [version, "gen-1-2"])

    writer.run(TEXT, [version, "gen-1-3"])
    assert oracle.inexact(writer.connection) == []
    writer.commit()

    stage.check()
    stage.rest()


def test_overlapping_writers_do_not_starve_the_drain(stage: Stage) -> None:
    """A8: at every moment one writer of the version is open."""
    version = text_at_rest(stage)
    writers = [stage.session("even"), stage.session("odd")]
    writers[0].begin()
    writers[0].run(TEXT, [version, "gen-1-1"])
    for turn, verse in enumerate(("gen-1-2", "gen-1-3", "gen-2-1", "gen-2-2"), start=1):
        writers[turn % 2].begin()
        writers[turn % 2].run(TEXT, [version, verse])
        writers[1 - turn % 2].commit()
        assert stage.drain_once() == ["drained"]
        stored = "select covered_verses from mv_text_version_progress_summary"
        assert stage.execute(stored) == [(turn,)]
        stage.check()
    writers[0].commit()
    stage.rest()


def test_rolled_back_savepoint_takes_its_signal_along_and_a_later_statement_signals_again(
    stage: Stage,
) -> None:
    version = text_at_rest(stage)
    queue = "select chapter_id from progress_refresh_queue"
    writer = stage.session("writer")
    writer.begin()
    writer.run("savepoint a")
    writer.run(TEXT, [version, "gen-1-1"])
    writer.run("rollback to savepoint a")
    assert writer.run(queue) == []
    writer.run(TEXT, [version, "gen-1-2"])
    writer.run("savepoint b")
    writer.run(TEXT, [version, "gen-1-3"])
    writer.run("rollback to savepoint b")
    assert writer.run(queue) == [("gen-1",)]
    writer.commit()
    stage.check()
    stage.rest()
    assert stage.execute("select verse_id from mv_text_verse_coverage") == [("gen-1-2",)]


@pytest.mark.parametrize("end", ["commit prepared", "rollback prepared"])
def test_two_phase_commit_signals_when_it_ends(stage: Stage, end: str) -> None:
    [(prepared_transactions,)] = stage.execute("show max_prepared_transactions")
    if prepared_transactions == "0":
        pytest.skip("this server does not allow prepared transactions")
    version = text_at_rest(stage)
    writer = stage.session("writer")
    writer.begin()
    writer.run(TEXT, [version, "gen-1-1"])
    writer.run("prepare transaction 'writer'")
    stage.execute(TEXT, [version, "gen-1-2"])
    stage.drain()
    assert not stage.is_dirty(version)

    writer.run(f"{end} 'writer'")

    assert stage.is_dirty(version) == (end == "commit prepared")
    stage.check()
    stage.rest()


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_drain_refuses_a_snapshot_that_may_be_old(stage: Stage, isolation: str) -> None:
    version = text_at_rest(stage)
    drainer = stage.session("drainer")
    drainer.begin(isolation)
    stage.execute(TEXT, [version, "gen-1-1"])
    with pytest.raises(psycopg.Error, match="READ COMMITTED") as refusal:
        drainer.drain("text", version)
    assert refusal.value.sqlstate == "BP004"
    drainer.rollback()
    assert stage.is_dirty(version)
    stage.rest()


def test_own_uncommitted_writes_read_exact(stage: Stage) -> None:
    version = text_at_rest(stage, "gen-1-1")
    recording = stage.world.audio_version()
    writer = stage.session("writer")
    writer.begin()
    for statement, parameters in (
        (TEXT, [version, "gen-1-2"]),
        (UNTEXT, [version, "gen-1-1"]),
        (
            "insert into media_files (audio_version_id, start_verse_id, end_verse_id,"
            " upload_status, publish_status) values (%s, 'gen-2-1', 'exod-1-2',"
            " 'completed', 'published')",
            [recording],
        ),
        ("update verses set chapter_id = 'exod-2', verse_number = 7 where id = 'gen-1-2'", []),
        ("delete from chapters where id = 'gen-2'", []),
        ("update audio_versions set deleted_at = now()", []),
    ):
        writer.run(statement, parameters)
        assert oracle.inexact(writer.connection) == []
        stage.check()
    writer.rollback()
    stage.rest()


def test_second_drainer_finds_a_version_locked_and_takes_the_next(
    stage: Stage, strategy: str
) -> None:
    busy = text_at_rest(stage)
    free = stage.world.text_version()
    stage.execute(TEXT, [busy, "gen-1-1"])
    stage.execute(TEXT, [free, "gen-1-1"])
    first, second = stage.session("first"), stage.session("second")
    first.begin()
    assert first.drain("text", busy) == "drained"

    second.start_drain("text", busy)
    assert assert_not_blocked(second) == [("locked",)]
    second.start_drain("text", free)
    # A refresh of materialized views is one of all texts.
    of_its_own = "drained" if strategy == "incremental" else "locked"
    assert assert_not_blocked(second) == [(of_its_own,)]

    stage.check()
    first.rollback()
    assert stage.is_dirty(busy)
    stage.rest()


def test_killed_drainer_gives_its_signals_back(stage: Stage) -> None:
    version = text_at_rest(stage)
    stage.execute(TEXT, [version, "gen-1-1"])
    holder = stage.hold("progress.version_history")
    drainer = stage.session("drainer")
    drainer.start_drain("text", version)
    assert_blocked(drainer, by=holder)

    assert stage.execute(
        "select pg_terminate_backend(%s, %s)", [drainer.pid, int(WAIT_SECONDS * 1000)]
    ) == [(True,)]

    with pytest.raises(errors.AdminShutdown):
        drainer.finish()
    holder.rollback()
    assert stage.is_dirty(version)
    stage.check()
    stage.rest()


def test_truncate_at_rest_leaves_nothing_behind(stage: Stage) -> None:
    """TRUNCATE is not MVCC-safe, so it is promised for the state after it only."""
    text_at_rest(stage, "gen-1-1", "exod-1-1")
    recording = stage.world.recording(stage.world.audio_version(), chapter="gen-1")
    stage.world.timings(recording, ["exod-1-1"])
    stage.rest()
    for table in ("verse_texts", "media_files_verses", "media_files cascade", "verses cascade"):
        stage.execute(f"truncate {table}")
        stage.check()
        stage.rest()
