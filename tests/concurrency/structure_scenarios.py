"""Stories of transactions of which one decides what it concerns by what another one changes.

They end normally on the real engine and raise AssertionError on one made wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from scenarios import TEXT, text_at_rest

from support.sessions import Stage, assert_blocked, assert_not_blocked

MOVE_VERSE = "update verses set chapter_id = 'gen-2', verse_number = 9 where id = 'gen-1-3'"
TIMING = "insert into media_files_verses (media_file_id, verse_id) values (%s, 'gen-1-3')"
PUBLISH = "update media_files set publish_status = 'published'"


def recording_at_rest(
    stage: Stage, *timings: str, publish: str = "published", canon: str = "eng"
) -> UUID:
    """Make a file of chapter gen-1 with these timings, everything drained."""
    stage.world.canon()
    stage.world.canon("other", {"lev": (2,)}, prefix="o-")
    version = stage.world.audio_version(canon)
    file = stage.world.recording(version, chapter="gen-1", publish=publish)
    stage.world.timings(file, timings)
    stage.rest()
    return file


def writer_that_missed_a_move_of_its_verse_is_settled(stage: Stage) -> None:
    """The writer resolved the old chapter; the new one was signalled and drained before it."""
    version = text_at_rest(stage)
    writer = stage.session("writer")
    writer.begin()
    writer.run(TEXT, [version, "gen-1-3"])
    stage.execute(MOVE_VERSE)
    stage.drain()
    writer.commit()
    stage.check()
    stage.rest()


def writer_that_began_after_the_move_that_it_missed_is_settled(stage: Stage) -> None:
    """Its transaction number is above that of the move, which is the last that has ended."""
    version = text_at_rest(stage)
    mover, writer = stage.session("mover"), stage.session("writer")
    mover.begin()
    mover.run(MOVE_VERSE)
    writer.begin()
    writer.run(TEXT, [version, "gen-1-3"])
    mover.commit()
    stage.drain()
    writer.commit()
    stage.check()
    stage.rest()


def writer_with_a_snapshot_older_than_the_move_names_its_whole_version(stage: Stage) -> None:
    """It has no transaction number yet when the move is settled, so nothing waits for it."""
    version = text_at_rest(stage)
    writer = stage.session("writer")
    writer.begin("repeatable read")
    stage.execute(MOVE_VERSE)
    stage.rest()
    writer.run(TEXT, [version, "gen-1-3"])
    writer.commit()
    stage.check()
    stage.rest()


def canon_newer_than_the_snapshot_of_a_canon_edit_is_reached(stage: Stage) -> None:
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


def prepared_writer_keeps_a_move_unsettled(stage: Stage) -> None:
    version = text_at_rest(stage)
    writer = stage.session("writer")
    writer.begin()
    writer.run(TEXT, [version, "gen-1-3"])
    writer.run("prepare transaction 'writer'")
    stage.execute(MOVE_VERSE)
    stage.drain()
    assert stage.is_dirty(version)
    writer.run("commit prepared 'writer'")
    stage.check()
    stage.rest()


def timing_that_moves_while_its_file_is_deleted_is_not_left_behind(stage: Stage) -> None:
    """The delete waits for the timing's writer, and must name the chapter that it then deletes."""
    _delete_beside(stage, "update media_files_verses set verse_id = 'exod-1-1'")


def timing_that_is_restored_while_its_file_is_deleted_is_not_left_behind(stage: Stage) -> None:
    _delete_beside(stage, "update media_files_verses set deleted_at = null", deleted=True)


def timing_that_missed_a_move_of_its_file_is_not_left_behind_when_that_is_deleted(
    stage: Stage,
) -> None:
    """It names the version that the file has left; when that would settle, the file is gone."""

    def move() -> None:
        new = stage.world.audio_version()
        stage.execute("update media_files set audio_version_id = %s", [new])
        stage.drain()

    _delete_beside(stage, "update media_files_verses set verse_id = 'exod-1-1'", meanwhile=move)


def _delete_beside(
    stage: Stage,
    change: str,
    *,
    deleted: bool = False,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    file = recording_at_rest(stage, "gen-2-1")
    if deleted:
        stage.execute("update media_files_verses set deleted_at = now()")
        stage.rest()
    timer, deleter = stage.session("timer"), stage.session("deleter")
    timer.begin()
    timer.run(change)
    meanwhile()
    deleter.begin()
    deleter.start("delete from media_files where id = %s", [file])
    assert_blocked(deleter, by=timer)

    timer.commit()
    deleter.finish()
    stage.drain()
    deleter.commit()

    stage.check()
    stage.rest()


def publication_that_missed_a_timing_that_missed_a_move_of_the_file_is_settled(
    stage: Stage,
) -> None:
    """The timing overlaps the move and the publication, which do not overlap each other."""
    _publish_after_move(stage, "update media_files set chapter_id = 'gen-2'")


def publication_that_missed_a_timing_that_missed_a_move_of_the_verse_is_settled(
    stage: Stage,
) -> None:
    _publish_after_move(stage, MOVE_VERSE)


def _publish_after_move(stage: Stage, move: str) -> None:
    file = recording_at_rest(stage, publish="pending")
    timer, publisher = stage.session("timer"), stage.session("publisher")
    timer.begin()
    timer.run(TIMING, [file])
    stage.execute(move)
    stage.drain()
    publisher.begin()
    publisher.run(PUBLISH)
    timer.commit()
    stage.drain()
    publisher.commit()
    stage.check()
    stage.rest()


def chain_from_a_book_to_a_timing_is_settled(stage: Stage) -> None:
    """Each transaction missed the one before: book, chapter, verse, timing."""
    _chain(stage, publish="published")


def chain_from_a_book_to_a_publication_is_settled(stage: Stage) -> None:
    """Each transaction missed the one before: book, chapter, verse, timing, publication."""
    _chain(stage, publish="pending")


def _chain(stage: Stage, publish: str) -> None:
    # The file's own chapter is in another canon, so that only the end of the chain counts.
    file = recording_at_rest(stage, publish=publish, canon="other")
    chapter, verse = stage.session("chapter"), stage.session("verse")
    timer, publisher = stage.session("timer"), stage.session("publisher")
    chapter.begin()
    chapter.run("update chapters set book_id = 'exod', chapter_number = 9 where id = 'gen-2'")
    stage.execute("update books set bible_version_id = 'other' where id = 'exod'")
    stage.drain()
    verse.begin()
    verse.run(MOVE_VERSE)
    chapter.commit()
    for _ in range(4):
        stage.drain()
    timer.begin()
    timer.run(TIMING, [file])
    verse.commit()
    for _ in range(4):
        stage.drain()
    if publish == "pending":
        publisher.begin()
        publisher.run(PUBLISH)
    timer.commit()
    for _ in range(4):
        stage.drain()
    if publish == "pending":
        publisher.commit()
    stage.check()
    stage.rest()


def changes_of_canon_without_end_do_not_hold_up_the_first(stage: Stage) -> None:
    recording_at_rest(stage)
    stage.execute(MOVE_VERSE)
    [(first,)] = stage.execute("select id from progress.unsettled_change")
    for number in range(20, 28):
        stage.execute("update books set book_number = %s where id = 'exod'", [number])
        stage.drain_once()
    assert not stage.execute("select 1 from progress.unsettled_change where id = %s", [first])
    stage.check()
    stage.rest()


def drainers_that_settle_at_the_same_time_do_not_wait_for_each_other(stage: Stage) -> None:
    recording_at_rest(stage)
    stage.execute("update media_files set chapter_id = 'gen-2'")
    stage.execute("delete from media_files")
    first, second = stage.session("first"), stage.session("second")
    first.begin()
    first.run("select from progress.due_versions(9)")
    second.start("select from progress.due_versions(9)")
    assert_not_blocked(second)
    first.commit()
    stage.rest()


def settling_that_is_held_up_waits_for_those_who_began_meanwhile(stage: Stage) -> None:
    """Whoever writes while it waits for a row has a higher transaction number than it has."""
    file = recording_at_rest(stage, publish="pending")
    [(version,)] = stage.execute("select audio_version_id from media_files")
    other = stage.world.recording(version, chapter="gen-1")
    stage.rest()
    stage.execute("delete from media_files where id = %s", [other])
    holder, settler = stage.session("holder"), stage.session("settler")
    timer, publisher = stage.session("timer"), stage.session("publisher")
    holder.begin()
    holder.run("select from progress.deleted_media_file for update")
    settler.start("select progress.resolve_unsettled_changes()")
    settler.waits_for()

    timer.begin()
    timer.run(TIMING, [file])
    stage.execute("update media_files set chapter_id = 'gen-2'")
    holder.commit()
    settler.finish()
    stage.drain()
    stage.drain()
    publisher.begin()
    publisher.run(PUBLISH)
    timer.commit()
    for _ in range(4):
        stage.drain()
    publisher.commit()
    stage.check()
    stage.rest()
