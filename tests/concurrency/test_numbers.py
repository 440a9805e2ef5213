"""Numbers of transactions: those that a copy brought from another cluster, and the watermark."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import number_scenarios as numbers
import pytest

from support.sessions import Stage

SCENARIOS: list[Callable[[Stage], None]] = [
    numbers.copied_signal_with_the_number_of_a_writer_stands_until_it_ends,
    numbers.copied_signal_of_a_failing_version_stands_until_its_writer_ends,
    numbers.copied_signal_with_a_number_to_come_is_drained_at_once,
    numbers.writer_that_gets_a_number_while_it_is_taken_away_keeps_its_signal,
    numbers.number_that_a_writer_has_got_meanwhile_is_not_taken_away,
    numbers.copied_note_with_the_number_of_a_writer_stands_until_it_ends,
    numbers.copied_notes_settle_whatever_their_numbers_are,
    numbers.signal_of_a_running_writer_is_found_behind_the_watermark,
    numbers.old_snapshot_finds_what_the_watermark_has_passed,
    numbers.watermark_stays_behind_what_waits,
    numbers.watermark_of_another_cluster_hides_nothing,
    numbers.mark_that_is_being_moved_does_not_pass_what_was_loaded_meanwhile,
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_scenario_holds(stage: Stage, scenario: Callable[[Stage], None]) -> None:
    scenario(stage)


@pytest.mark.parametrize(
    "writer",
    [{"savepoint": "s"}, {"prepared": True}, {"savepoint": "s", "prepared": True}],
    ids=str,
)
def test_the_watermark_waits_for_every_kind_of_writer(
    stage: Stage, writer: dict[str, object]
) -> None:
    [(prepared_transactions,)] = stage.execute("show max_prepared_transactions")
    if "prepared" in writer and prepared_transactions == "0":
        pytest.skip("this server does not allow prepared transactions")
    partial(numbers.signal_of_a_running_writer_is_found_behind_the_watermark, **writer)(stage)


LOOKS = [
    pytest.param("select count(*) from progress.auditable_versions()", id="audit"),
    pytest.param("select progress.warm_up()", id="worker starts"),
    pytest.param("select progress.signal_unsignalled(null)", id="refresh"),
]


@pytest.mark.parametrize("look", LOOKS)
def test_signals_from_before_the_watermark_are_found(stage: Stage, look: str) -> None:
    numbers.signals_from_before_the_watermark_are_found(stage, look)


def test_nobody_waits_for_ever_where_the_watermark_was_moved(stage: Stage) -> None:
    """One look says it of all: they wait in the same function, for as long as it says."""
    numbers.nobody_waits_for_ever_where_the_watermark_was_moved(stage, "select progress.warm_up()")
