"""Transactions that cannot see each other, each deciding what the other's change concerns.

A trigger looks up the chapter of a verse or the version of a file as its own transaction sees
them. Where another one changes just that, neither names the place where the new row counts:
that is what progress.unsettled_change is for (docs/decisions/0005-unsettled-changes.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import structure_scenarios as scenarios
from psycopg import errors
from races import RACES, Ids, Race

from support.sessions import Session, Stage

Set = list[tuple[Race, Ids, str]]


@pytest.fixture
def races(stage: Stage) -> Set:
    """Every race, each in a canon of its own: side by side they cost one check a step."""
    # One language for all: comparing the best version of many takes longer than everything else.
    language = stage.world.language()
    worlds = [
        (race, race.set_up(stage.world, language, f"r{number}-"), f"r{number}-")
        for number, race in enumerate(RACES)
    ]
    stage.rest()
    return worlds


@contextmanager
def naming(races: Set) -> Iterator[None]:
    """Say which races a failed check is about."""
    try:
        yield
    except AssertionError as error:
        lost = [
            race.name
            for race, ids, _ in races
            if any(str(id_) in str(error) for name, id_ in ids.items() if name != "language")
        ]
        raise AssertionError(f"lost by: {'; '.join(lost)}\n{error}") from error


def run(session: Session, statement: str, ids: Ids, prefix: str) -> None:
    session.run(statement.replace("<", prefix), ids)


@pytest.mark.parametrize("writer_starts", [True, False], ids=["writer_starts", "change_starts"])
@pytest.mark.parametrize("writer_ends", [True, False], ids=["change_commits_first", "writer_first"])
def test_neither_of_two_racing_transactions_is_lost(
    stage: Stage, races: Set, writer_starts: bool, writer_ends: bool
) -> None:
    sides = [("writer", [stage.session(f"writer: {race.name}") for race, _, _ in races])]
    sides.append(("change", [stage.session(f"change: {race.name}") for race, _, _ in races]))
    for side, sessions in sides if writer_starts else sides[::-1]:
        for session, (race, ids, prefix) in zip(sessions, races, strict=True):
            session.begin()
            run(session, race.writer if side == "writer" else race.change, ids, prefix)
    with naming(races):
        stage.drain()
        for _, sessions in sides[::-1] if writer_ends else sides:
            for session in sessions:
                session.commit()
            stage.check()
            stage.drain()
        stage.rest()


@pytest.mark.parametrize("stale", ["writer", "change"])
def test_change_is_not_lost_on_a_transaction_with_an_older_snapshot(
    stage: Stage, races: Set, stale: str
) -> None:
    """It has no transaction id yet when the other's change is drained, and writes only then."""
    sessions = [stage.session(f"stale: {race.name}") for race, _, _ in races]
    for session in sessions:
        session.begin("repeatable read")
    for race, ids, prefix in races:
        fresh = race.change if stale == "writer" else race.writer
        stage.execute(fresh.replace("<", prefix), ids)
    with naming(races):
        stage.drain()
        for session, (race, ids, prefix) in zip(sessions, races, strict=True):
            try:
                run(session, race.writer if stale == "writer" else race.change, ids, prefix)
            except errors.SerializationFailure:
                # PostgreSQL's own refusal, for a row that both change: nothing is left to lose.
                session.rollback()
        stage.drain()
        for session in sessions:
            session.commit()
        stage.check()
        stage.rest()


SCENARIOS: list[Callable[[Stage], None]] = [
    scenarios.writer_that_missed_a_move_of_its_verse_is_settled,
    scenarios.writer_that_began_after_the_move_that_it_missed_is_settled,
    scenarios.writer_with_a_snapshot_older_than_the_move_names_its_whole_version,
    scenarios.canon_newer_than_the_snapshot_of_a_canon_edit_is_reached,
    scenarios.timing_that_moves_while_its_file_is_deleted_is_not_left_behind,
    scenarios.timing_that_is_restored_while_its_file_is_deleted_is_not_left_behind,
    scenarios.timing_that_missed_a_move_of_its_file_is_not_left_behind_when_that_is_deleted,
    scenarios.publication_that_missed_a_timing_that_missed_a_move_of_the_file_is_settled,
    scenarios.publication_that_missed_a_timing_that_missed_a_move_of_the_verse_is_settled,
    scenarios.chain_from_a_book_to_a_timing_is_settled,
    scenarios.chain_from_a_book_to_a_publication_is_settled,
    scenarios.changes_of_canon_without_end_do_not_hold_up_the_first,
    scenarios.drainers_that_settle_at_the_same_time_do_not_wait_for_each_other,
    scenarios.settling_that_is_held_up_waits_for_those_who_began_meanwhile,
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_scenario_of_structure_holds(stage: Stage, scenario: Callable[[Stage], None]) -> None:
    scenario(stage)


def test_prepared_writer_keeps_a_move_unsettled(stage: Stage) -> None:
    [(prepared_transactions,)] = stage.execute("show max_prepared_transactions")
    if prepared_transactions == "0":
        pytest.skip("this server does not allow prepared transactions")
    scenarios.prepared_writer_keeps_a_move_unsettled(stage)
