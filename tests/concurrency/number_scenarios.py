"""Transaction numbers that came with a copy, and the watermark, as stories like those beside it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from scenarios import TEXT, text_at_rest

from support import oracle
from support.sessions import Session, Stage, assert_blocked, assert_not_blocked

# As a copy brings them: a row that stands there before the first writer comes.
COPIED = (
    "insert into progress_refresh_queue (kind, version_id, chapter_id, xid)"
    " values ('text', %s, 'gen-1', (%s::bigint + %s)::text::xid8)"
)
NUMBER = "select pg_current_xact_id()::text::bigint"
ADVANCE = "select progress.advance_watermark()"
START = "select xid::text::bigint from progress.queue_start"


def number(session: Session) -> int:
    """Let the open transaction of a session take its number."""
    [(own,)] = session.run(NUMBER)
    return own


def reach(stage: Stage, wanted: int) -> None:
    """Use up numbers until `wanted` is the next."""
    while True:
        [(last,)] = stage.execute(NUMBER)
        assert last < wanted, f"{last} is given out already"
        if last == wanted - 1:
            return


def has_row(stage: Stage, table: str) -> bool:
    return bool(stage.execute(f"select 1 from {table}"))


def copied_signal_with_the_number_of_a_writer_stands_until_it_ends(stage: Stage) -> None:
    """The writer's own signal meets the copied one, which does nothing: that one must stay."""
    version = text_at_rest(stage, "gen-1-1")
    writer = stage.session("writer")
    writer.begin()
    stage.execute(COPIED, [version, number(writer), 0])
    writer.start(TEXT, [version, "gen-1-2"])
    assert_not_blocked(writer)
    for _ in range(3):
        # Numbers of others pass meanwhile.
        stage.execute(NUMBER)
        stage.drain()
    writer.commit()
    stage.check()
    assert stage.is_dirty(version), "clean, but stored and live differ"
    stage.rest()


def copied_signal_of_a_failing_version_stands_until_its_writer_ends(stage: Stage) -> None:
    """What fails too often moves to the dead letters; a retry may end before the writer does."""
    version = text_at_rest(stage, "gen-1-1")
    writer = stage.session("writer")
    writer.begin()
    stage.execute(COPIED, [version, number(writer), 0])
    writer.run(TEXT, [version, "gen-1-2"])
    stage.execute("update progress.settings set dead_after = '0'")
    stage.execute("select progress.record_lost_drain('text', %s, 'P0001: broken')", [version])
    stage.execute("select progress.retry_dead_letters(null)")
    stage.execute("delete from progress.failure")
    stage.drain()
    writer.commit()
    stage.check()
    stage.rest()


def copied_signal_with_a_number_to_come_is_drained_at_once(stage: Stage) -> None:
    """And who gets that number later leaves a signal of their own."""
    version = text_at_rest(stage, "gen-1-1")
    [(last,)] = stage.execute(NUMBER)
    stage.execute(COPIED, [version, last, 30])
    stage.execute(COPIED, [version, last, 10**9])
    assert stage.is_dirty(version)
    stage.rest()

    writer = stage.session("writer")
    reach(stage, last + 30)
    writer.begin()
    assert number(writer) == last + 30
    writer.run(TEXT, [version, "gen-1-2"])
    stage.drain()
    writer.commit()
    stage.check()
    assert stage.is_dirty(version)
    stage.rest()


def writer_that_gets_a_number_while_it_is_taken_away_keeps_its_signal(stage: Stage) -> None:
    version = text_at_rest(stage, "gen-1-1")
    drainer, writer = stage.session("drainer"), stage.session("writer")
    [(last,)] = stage.execute(NUMBER)
    stage.execute(COPIED, [version, last, 9])
    drainer.begin()
    assert drainer.run("select progress.renumber_foreign()") == [(1,)]
    reach(stage, last + 9)
    writer.begin()
    assert number(writer) == last + 9
    writer.start(TEXT, [version, "gen-1-2"])
    assert_blocked(writer, by=drainer)
    drainer.commit()
    writer.finish()
    stage.drain()
    writer.commit()
    stage.check()
    assert stage.is_dirty(version)
    stage.rest()


def number_that_a_writer_has_got_meanwhile_is_not_taken_away(stage: Stage) -> None:
    """No snapshot shows that it was given out: nothing behind it has ended yet."""
    version = text_at_rest(stage, "gen-1-1")
    drainer, writer = stage.session("drainer"), stage.session("writer")
    [(last,)] = stage.execute(NUMBER)
    stage.execute(COPIED, [version, last, 3])
    drainer.begin()
    assert number(drainer) == last + 2
    writer.begin()
    assert number(writer) == last + 3
    writer.run(TEXT, [version, "gen-1-2"])
    drainer.run("select progress.renumber_foreign()")
    drainer.commit()
    stage.drain()
    writer.commit()
    stage.check()
    assert stage.is_dirty(version), "clean, but stored and live differ"
    stage.rest()


def copied_note_with_the_number_of_a_writer_stands_until_it_ends(stage: Stage) -> None:
    stage.world.canon()
    file = stage.world.recording(stage.world.audio_version(), chapter="gen-1")
    stage.rest()
    writer = stage.session("writer")
    writer.begin()
    # Settled in the other cluster as far as it goes.
    stage.execute(
        "insert into progress.unsettled_change (media_file_id, xid, settles_at, rounds_left)"
        " values (%s, %s::text::xid8, '3', 1)",
        [file, str(number(writer))],
    )
    writer.run("update media_files set chapter_id = 'gen-2'")
    for _ in range(3):
        stage.execute(NUMBER)
        stage.drain()
    assert has_row(stage, "progress.unsettled_change"), "the note of a running writer is gone"
    writer.commit()
    stage.check()
    stage.rest()


def copied_notes_settle_whatever_their_numbers_are(stage: Stage) -> None:
    text_at_rest(stage, "gen-1-1")
    numbers = ("'5'", "(pg_current_xact_id()::text::bigint + 1)::text::xid8", "'99999999999'")
    for xid in numbers:
        for settles_at in ("null", *numbers):
            for rounds_left in (1, 2):
                stage.execute(
                    "insert into progress.unsettled_change"
                    " (bible_version_id, chapter_id, xid, settles_at, rounds_left)"
                    f" select id, %s, {xid}, {settles_at}, {rounds_left} from bible_versions",
                    [f"{xid} {settles_at} {rounds_left}"],
                )
    stage.rest()
    assert not has_row(stage, "progress.unsettled_change")


def signal_of_a_running_writer_is_found_behind_the_watermark(
    stage: Stage, savepoint: str = "", prepared: bool = False
) -> None:
    version = text_at_rest(stage, "gen-1-1")
    writer = stage.session("writer")
    writer.begin()
    writer.run(NUMBER)
    if savepoint:
        writer.run(f"savepoint {savepoint}")
    writer.run(TEXT, [version, "gen-1-2"])
    if prepared:
        writer.run("prepare transaction 'writer'")
    for _ in range(3):
        stage.execute(NUMBER)
        stage.execute(ADVANCE)
    if prepared:
        writer.run("commit prepared 'writer'")
    else:
        writer.commit()
    stage.check()
    assert stage.is_dirty(version), "clean, but stored and live differ"
    stage.rest()


def old_snapshot_finds_what_the_watermark_has_passed(stage: Stage) -> None:
    version = text_at_rest(stage, "gen-1-1")
    stage.execute(TEXT, [version, "gen-1-2"])
    reader = stage.session("reader")
    reader.begin("repeatable read")
    before = reader.run(START)
    stage.drain()
    stage.execute(NUMBER)
    assert stage.execute(ADVANCE) == [(True,)]
    [(start,)] = stage.execute(START)
    assert reader.run(START) == before
    assert before[0][0] < start
    assert reader.run("select count(*) from progress.queued") == [(1,)]
    assert oracle.inexact(reader.connection) == []
    reader.commit()
    stage.rest()


def watermark_stays_behind_what_waits(stage: Stage) -> None:
    """Whatever waits: a signal, a change of structure, a deleted file of a running transaction."""
    version = text_at_rest(stage, "gen-1-1")
    stage.execute(TEXT, [version, "gen-1-2"])
    for _ in range(3):
        stage.execute(NUMBER)
        stage.execute(ADVANCE)
    stage.check()
    assert stage.is_dirty(version), "clean, but stored and live differ"
    stage.rest()
    older = stage.session("older")
    older.begin()
    number(older)
    stage.execute("update verses set chapter_id = 'gen-2', verse_number = 9 where id = 'gen-1-1'")
    stage.drain()
    stage.execute(ADVANCE)
    assert stage.is_dirty(version)
    older.commit()
    stage.rest()


def watermark_of_another_cluster_hides_nothing(stage: Stage) -> None:
    """Neither before the numbers reach it nor when they have passed it."""
    version = text_at_rest(stage, "gen-1-1")
    [(last,)] = stage.execute(NUMBER)
    for ahead in (-5, 4, 12, 10**9):
        stage.execute(
            "insert into progress.queue_watermark (xid, made_by) values"
            " ((%(xid)s::bigint)::text::xid8, (%(xid)s::bigint + 1)::text::xid8)",
            {"xid": last + ahead},
        )
    for turn in range(8):
        statement = TEXT if turn % 2 == 0 else "delete from verse_texts where text_version_id = %s"
        parameters: list[Any] = [version, "gen-1-2"] if turn % 2 == 0 else [version]
        stage.execute(statement, parameters)
        stage.execute(ADVANCE)
        assert stage.is_dirty(version), "clean, but stored and live differ"
        stage.check()
        if turn % 3 == 2:
            stage.rest()
    stage.rest()


def signals_from_before_the_watermark_are_found(stage: Stage, look: str) -> None:
    """As data loaded into an installed database may bring them."""
    version: UUID = text_at_rest(stage, "gen-1-1")
    stage.execute(NUMBER)
    stage.execute(ADVANCE)
    stage.execute(COPIED, [version, 3, 0])
    assert not stage.is_dirty(version)
    stage.execute(look)
    assert stage.is_dirty(version)
    stage.rest()


def mark_that_is_being_moved_does_not_pass_what_was_loaded_meanwhile(stage: Stage) -> None:
    version = text_at_rest(stage, "gen-1-1")
    mover, looker = stage.session("mover"), stage.session("looker")
    stage.execute(NUMBER)
    mover.begin()
    assert mover.run(ADVANCE) == [(True,)]
    stage.execute(COPIED, [version, 3, 0])
    looker.start("select progress.lower_watermark()")
    assert_blocked(looker, by=mover)
    mover.commit()
    looker.finish()
    assert stage.is_dirty(version)
    stage.rest()


def nobody_waits_for_ever_where_the_watermark_was_moved(stage: Stage, look: str) -> None:
    """As by a session that was forgotten in its transaction."""
    text_at_rest(stage, "gen-1-1")
    mover, looker = stage.session("mover"), stage.session("looker")
    stage.execute(NUMBER)
    mover.begin()
    assert mover.run(ADVANCE) == [(True,)]
    looker.start(look)
    assert_blocked(looker, by=mover)
    looker.finish()
    mover.commit()
    stage.rest()
