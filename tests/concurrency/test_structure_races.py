"""Transactions that cannot see each other, each deciding what the other's change concerns.

A trigger looks up the chapter of a verse or the version of a file as its own transaction sees
them. Where another one changes just that, neither names the place where the new row counts:
that is what progress.unsettled_change is for (docs/decisions/0005-unsettled-changes.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from psycopg import errors
from races import RACES, Ids, Race

from support.sessions import Session, Stage, assert_blocked, assert_not_blocked

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


@pytest.mark.parametrize(
    "late",
    [
        "update media_files_verses set verse_id = 'exod-1-1' where verse_id = 'gen-2-1'",
        "update media_files_verses set deleted_at = null where verse_id = 'exod-2-1'",
    ],
    ids=["moved", "restored"],
)
def test_timing_that_changes_while_its_file_is_deleted_is_not_left_behind(
    stage: Stage, late: str
) -> None:
    """The delete has named the chapters of the timings before the change of one commits."""
    stage.world.canon()
    version = stage.world.audio_version()
    file = stage.world.recording(version, chapter="gen-1")
    stage.world.timings(file, ["gen-2-1", "exod-2-1"])
    stage.execute("update media_files_verses set deleted_at = now() where verse_id = 'exod-2-1'")
    stage.rest()
    timer, deleter = stage.session("timer"), stage.session("deleter")
    timer.begin()
    timer.run(late)
    deleter.begin()
    deleter.start("delete from media_files where id = %s", [file])
    assert_blocked(deleter, by=timer)

    timer.commit()
    deleter.finish()
    stage.drain()
    deleter.commit()

    stage.check()
    stage.rest()


@pytest.mark.parametrize(
    "move",
    [
        "update media_files set chapter_id = 'gen-2'",
        "update verses set chapter_id = 'gen-2', verse_number = 9 where id = 'gen-1-3'",
    ],
    ids=["file", "verse"],
)
def test_timing_that_missed_a_move_is_not_lost_on_a_publication_that_missed_the_timing(
    stage: Stage, move: str
) -> None:
    """The timing overlaps the move and the publication, which do not overlap each other."""
    stage.world.canon()
    version = stage.world.audio_version()
    file = stage.world.recording(version, chapter="gen-1", publish="pending")
    stage.rest()
    timer, publisher = stage.session("timer"), stage.session("publisher")
    timer.begin()
    timer.run(
        "insert into media_files_verses (media_file_id, verse_id) values (%s, 'gen-1-3')", [file]
    )
    stage.execute(move)
    stage.drain()
    publisher.begin()
    publisher.run("update media_files set publish_status = 'published'")
    timer.commit()
    stage.drain()
    publisher.commit()
    stage.check()
    stage.rest()


def test_prepared_transaction_keeps_a_change_of_structure_unsettled(stage: Stage) -> None:
    [(prepared_transactions,)] = stage.execute("show max_prepared_transactions")
    if prepared_transactions == "0":
        pytest.skip("this server does not allow prepared transactions")
    stage.world.canon()
    version = stage.world.text_version()
    stage.rest()
    writer = stage.session("writer")
    writer.begin()
    writer.run(
        "insert into verse_texts (text_version_id, verse_id, verse_text)"
        " values (%s, 'gen-1-3', 'Words.')",
        [version],
    )
    writer.run("prepare transaction 'writer'")
    stage.execute("update verses set chapter_id = 'gen-2', verse_number = 9 where id = 'gen-1-3'")
    stage.drain()
    assert stage.is_dirty(version)
    writer.run("commit prepared 'writer'")
    stage.check()
    stage.rest()


def test_timing_that_missed_a_move_of_its_file_is_not_left_behind_when_the_file_is_deleted(
    stage: Stage,
) -> None:
    """The timing names the version that the file has left; the file is gone when that settles."""
    stage.world.canon()
    old, new = stage.world.audio_version(), stage.world.audio_version()
    file = stage.world.recording(old, chapter="gen-1")
    stage.world.timings(file, ["gen-2-1"])
    stage.rest()
    timer, deleter = stage.session("timer"), stage.session("deleter")
    timer.begin()
    timer.run("update media_files_verses set verse_id = 'exod-1-1'")
    stage.execute("update media_files set audio_version_id = %s", [new])
    stage.drain()
    deleter.begin()
    deleter.start("delete from media_files where id = %s", [file])
    assert_blocked(deleter, by=timer)

    timer.commit()
    deleter.finish()
    stage.drain()
    deleter.commit()

    stage.check()
    stage.rest()


def test_canon_that_is_newer_than_the_snapshot_of_a_canon_edit_is_reached(stage: Stage) -> None:
    stage.world.canon()
    stage.rest()
    editor = stage.session("editor")
    editor.begin("repeatable read")
    stage.world.canon("new", {"lev": (2,)}, prefix="n-")
    stage.world.text_version("new")
    stage.execute("update chapters set book_id = 'n-lev', chapter_number = 7 where id = 'gen-1'")
    stage.rest()
    editor.run("insert into verses (id, verse_number, chapter_id) values ('gen-1-4', 4, 'gen-1')")
    editor.commit()
    stage.check()
    stage.rest()


def test_drainers_that_settle_at_the_same_time_do_not_wait_for_each_other(stage: Stage) -> None:
    stage.world.canon()
    version = stage.world.audio_version()
    stage.world.recording(version, chapter="gen-1")
    stage.rest()
    stage.execute("update media_files set chapter_id = 'gen-2'")
    stage.execute("delete from media_files")
    first, second = stage.session("first"), stage.session("second")
    first.begin()
    first.run("select from progress.due_versions(9)")
    second.start("select from progress.due_versions(9)")
    assert_not_blocked(second)
    first.commit()
    stage.rest()


def test_settling_that_is_held_up_waits_for_those_who_began_meanwhile(stage: Stage) -> None:
    """Whoever writes while it waits for a row has a higher transaction number than it has."""
    stage.world.canon()
    version = stage.world.audio_version()
    file = stage.world.recording(version, chapter="gen-1", publish="pending")
    other = stage.world.recording(version, chapter="gen-1")
    stage.rest()
    stage.execute("delete from media_files where id = %s", [other])
    holder, settler = stage.session("holder"), stage.session("settler")
    timer, publisher = stage.session("timer"), stage.session("publisher")
    holder.begin()
    holder.run("select from progress.deleted_media_file for update")
    settler.start("select progress.settle()")
    settler.waits_for()

    timer.begin()
    timer.run(
        "insert into media_files_verses (media_file_id, verse_id) values (%s, 'gen-1-3')", [file]
    )
    stage.execute("update media_files set chapter_id = 'gen-2'")
    holder.commit()
    settler.finish()
    stage.drain()
    stage.drain()
    publisher.begin()
    publisher.run("update media_files set publish_status = 'published'")
    timer.commit()
    for _ in range(4):
        stage.drain()
    publisher.commit()

    stage.check()
    stage.rest()
