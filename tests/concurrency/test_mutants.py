"""The suite must fail when the engine is wrong: each mutant is caught by a scenario.

The same scenario passes on the same database before, when the engine is right.
"""

from __future__ import annotations

from functools import partial

import mutants
import number_scenarios as numbers
import pytest
import scenarios
import structure_scenarios as structure
from mutants import Mutant, Scenario

from support.sessions import Stage

LOST = "differ"
WAITS = "waits for sessions"

CAUGHT: list[tuple[Mutant, Scenario, str]] = [
    (mutants.FIRST_PLAN, scenarios.signal_before_the_claim_and_commit_after_it_is_kept, LOST),
    (mutants.FIRST_PLAN, scenarios.writer_does_not_wait_for_a_drain_that_holds_its_claim, WAITS),
    (mutants.FIRST_PLAN, scenarios.writers_of_one_version_do_not_wait_for_each_other, WAITS),
    (mutants.FIRST_PLAN, scenarios.writers_in_opposite_order_do_not_deadlock, WAITS),
    (mutants.DELETE_AFTER_REFRESH, scenarios.commit_while_a_drain_is_under_way_is_kept, LOST),
    # The claim's row locks still keep the numbers right; but the drains wait for each other.
    (mutants.NO_VERSION_LOCK, scenarios.drain_with_old_numbers_cannot_overwrite_newer_ones, WAITS),
    (mutants.NO_LOCK_AT_ALL, scenarios.drain_with_old_numbers_cannot_overwrite_newer_ones, LOST),
    (mutants.REPEATABLE_READ, scenarios.drain_stores_what_was_committed_before_it, "ended clean"),
    (mutants.REPEATABLE_READ, scenarios.drained_twice_is_not_a_failure, "ended failed"),
    (mutants.NEW_SIDE_ONLY_OF_TEXTS, scenarios.old_place_of_a_text_that_moves_is_refreshed, LOST),
    (
        mutants.NEW_SIDE_ONLY_OF_FILES,
        scenarios.old_place_of_a_recording_that_moves_is_refreshed,
        LOST,
    ),
    (
        mutants.NEW_SIDE_ONLY_OF_TIMINGS,
        scenarios.old_place_of_a_timing_that_moves_is_refreshed,
        LOST,
    ),
    (mutants.NO_SETTLING, structure.writer_that_missed_a_move_of_its_verse_is_settled, LOST),
    (
        mutants.SETTLED_BY_SNAPSHOT,
        structure.writer_that_began_after_the_move_that_it_missed_is_settled,
        LOST,
    ),
    (
        mutants.SETTLED_IN_ONE_ROUND,
        structure.publication_that_missed_a_timing_that_missed_a_move_of_the_file_is_settled,
        LOST,
    ),
    (
        mutants.CHAPTERS_FROM_OLD_SNAPSHOTS,
        structure.writer_with_a_snapshot_older_than_the_move_names_its_whole_version,
        LOST,
    ),
    (
        mutants.DELETED_FILES_FORGOTTEN,
        scenarios.chapters_of_the_timings_of_a_deleted_file_are_refreshed,
        LOST,
    ),
    (mutants.BITMAP_KEPT, scenarios.chapter_that_loses_its_last_verse_is_forgotten, LOST),
    (mutants.BITMAPS_KEPT, scenarios.version_that_loses_all_its_verses_is_emptied, LOST),
    (mutants.SUMMARY_KEPT, scenarios.summary_follows_its_books, "stays dirty"),
    (
        mutants.RUNNING_NUMBERS_CLAIMED,
        numbers.copied_signal_with_the_number_of_a_writer_stands_until_it_ends,
        LOST,
    ),
    (
        mutants.RUNNING_NUMBERS_BURIED,
        numbers.copied_signal_of_a_failing_version_stands_until_its_writer_ends,
        LOST,
    ),
    (
        mutants.RUNNING_NUMBERS_TAKEN,
        numbers.number_that_a_writer_has_got_meanwhile_is_not_taken_away,
        LOST,
    ),
    (
        mutants.RUNNING_NOTES_SETTLED,
        numbers.copied_note_with_the_number_of_a_writer_stands_until_it_ends,
        "is gone",
    ),
    (
        mutants.WATERMARK_PASSES_WRITERS,
        numbers.signal_of_a_running_writer_is_found_behind_the_watermark,
        LOST,
    ),
    (mutants.WATERMARK_PASSES_SIGNALS, numbers.watermark_stays_behind_what_waits, LOST),
    (mutants.WATERMARK_COPIED, numbers.watermark_of_another_cluster_hides_nothing, LOST),
    (mutants.NOTES_FORGOTTEN, scenarios.timing_beside_a_range_is_counted, LOST),
]


# What they break is all that differs between the strategies; the rest is caught in either.
OF_DRAINS = (
    mutants.DELETE_AFTER_REFRESH,
    mutants.NO_VERSION_LOCK,
    mutants.NO_LOCK_AT_ALL,
    mutants.REPEATABLE_READ,
)


@pytest.mark.parametrize(
    ("mutant", "scenario", "shows"),
    [
        pytest.param(*caught, marks=pytest.mark.quick if place == 0 else ())
        for place, caught in enumerate(CAUGHT)
    ],
    ids=[f"{mutant.name}: {scenario.__name__}" for mutant, scenario, _ in CAUGHT],
)
def test_mutant_is_caught(
    stage: Stage, strategy: str, mutant: Mutant, scenario: Scenario, shows: str
) -> None:
    if strategy == "matview" and mutant not in OF_DRAINS:
        pytest.skip("breaks what both strategies share, or only the other one has")
    scenario(stage)
    stage.reset()
    if mutant is mutants.REPEATABLE_READ:
        scenario = partial(scenario, isolation="repeatable read")
    if strategy == "matview" and mutant is mutants.NO_LOCK_AT_ALL:
        # Two refreshes of a materialized view wait for each other whatever we do.
        shows = WAITS
    with mutant.applied(stage), pytest.raises(AssertionError, match=shows):
        scenario(stage)
