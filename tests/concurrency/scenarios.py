"""What the engine promises, as stories that end normally on the real one.

test_interleavings.py plays them on the real engine, test_mutants.py on engines
made wrong, where each must raise AssertionError.
"""

from __future__ import annotations

from uuid import UUID

from support.sessions import Stage, assert_blocked, assert_not_blocked

TEXT = "insert into verse_texts (text_version_id, verse_id, verse_text) values (%s, %s, 'Words.')"
UNTEXT = "delete from verse_texts where text_version_id = %s and verse_id = %s"


def text_at_rest(stage: Stage, *verses: str) -> UUID:
    """Make a canon and a text version with these verses, everything drained."""
    stage.world.canon()
    version = stage.world.text_version()
    stage.world.text(version, verses)
    stage.rest()
    return version


def commit_while_a_drain_is_under_way_is_kept(stage: Stage) -> None:
    """A1, A2: the writer commits after the drain has counted and before it has ended."""
    version = text_at_rest(stage, "gen-1-1")
    stage.execute(TEXT, [version, "gen-1-2"])
    holder = stage.hold("progress.version_history")
    drainer = stage.session("drainer")
    drainer.start_drain("text", version)
    assert_blocked(drainer, by=holder)

    stage.execute(TEXT, [version, "gen-1-3"])
    stage.check()
    holder.commit()

    assert drainer.outcome() == "drained"
    stage.check()
    assert stage.is_dirty(version)
    stage.rest()


def signal_before_the_claim_and_commit_after_it_is_kept(stage: Stage) -> None:
    """A4: an older signal is there already when the writer adds its own."""
    version = text_at_rest(stage, "gen-1-1")
    stage.execute(TEXT, [version, "gen-1-2"])
    writer = stage.session("writer")
    writer.begin()
    writer.run(TEXT, [version, "gen-1-3"])

    stage.drain()
    writer.commit()

    stage.check()
    assert stage.is_dirty(version)
    stage.rest()


def writer_does_not_wait_for_a_drain_that_holds_its_claim(stage: Stage) -> None:
    """A3."""
    version = text_at_rest(stage)
    stage.execute(TEXT, [version, "gen-1-1"])
    drainer, writer = stage.session("drainer"), stage.session("writer")
    drainer.begin()
    assert drainer.drain("text", version) == "drained"

    writer.start(TEXT, [version, "gen-1-2"])
    assert_not_blocked(writer)
    writer.start(UNTEXT, [version, "gen-1-1"])
    assert_not_blocked(writer)

    stage.check()
    drainer.commit()
    stage.check()
    stage.rest()


def writers_of_one_version_do_not_wait_for_each_other(stage: Stage) -> None:
    """A5, in one chapter, with an older signal waiting and without."""
    version = text_at_rest(stage)
    first, second = stage.session("first"), stage.session("second")
    for verse in ("gen-1-1", "gen-1-3"):
        first.begin()
        first.run(TEXT, [version, verse])
        second.begin()
        second.start(TEXT, [version, "gen-1-2"])
        assert_not_blocked(second)
        first.commit()
        second.commit()
        stage.check()
        stage.execute(UNTEXT, [version, "gen-1-2"])
    stage.rest()


def writers_in_opposite_order_do_not_deadlock(stage: Stage) -> None:
    """A6: W1 writes a, b and W2 writes b, a."""
    a = text_at_rest(stage)
    b = stage.world.text_version()
    first, second = stage.session("first"), stage.session("second")
    first.begin()
    second.begin()
    first.run(TEXT, [a, "gen-1-1"])
    second.run(TEXT, [b, "gen-1-2"])
    first.start(TEXT, [b, "gen-1-1"])
    assert_not_blocked(first)
    second.start(TEXT, [a, "gen-1-2"])
    assert_not_blocked(second)
    first.commit()
    stage.drain()
    second.commit()
    stage.rest()


def drain_with_old_numbers_cannot_overwrite_newer_ones(stage: Stage) -> None:
    """E4: the first drain has counted but not written when a second one comes."""
    version = text_at_rest(stage, "gen-1-1")
    stage.execute(TEXT, [version, "gen-1-2"])
    holder = stage.hold("progress.version_history")
    slow, fast = stage.session("slow drainer"), stage.session("fast drainer")
    slow.start_drain("text", version)
    assert_blocked(slow, by=holder)

    # Back to what is stored: a second drain finds nothing to write, so no row stops it.
    stage.execute(UNTEXT, [version, "gen-1-2"])
    fast.start_drain("text", version)
    assert_not_blocked(fast)
    stage.check()
    holder.commit()
    assert slow.outcome() == "drained"

    stage.check()
    stage.rest()


def drain_stores_what_was_committed_before_it(
    stage: Stage, isolation: str = "read committed"
) -> None:
    """The drain's transaction is older than the change."""
    version = text_at_rest(stage, "gen-1-1")
    drainer = stage.session("drainer")
    drainer.begin(isolation)
    stage.execute(TEXT, [version, "gen-1-2"])

    outcome = drainer.drain("text", version)
    drainer.commit()

    assert outcome == "drained", f"a drain of a committed signal ended {outcome}"
    assert not stage.is_dirty(version)
    stage.rest()


def drained_twice_is_not_a_failure(stage: Stage, isolation: str = "read committed") -> None:
    """Another drain takes the signal after this one's transaction began."""
    version = text_at_rest(stage, "gen-1-1")
    stage.execute(TEXT, [version, "gen-1-2"])
    drainer = stage.session("drainer")
    drainer.begin(isolation)
    stage.drain()

    outcome = drainer.drain("text", version)
    drainer.commit()

    assert outcome == "clean", f"a drain of a drained version ended {outcome}"
    stage.rest()


def old_place_of_a_text_that_moves_is_refreshed(stage: Stage) -> None:
    text_at_rest(stage, "gen-1-1", "gen-1-2")
    b = stage.world.text_version()
    for move in ("verse_id = 'exod-1-1'", "text_version_id = %s", "verse_text = ' '"):
        stage.execute(
            f"update verse_texts set {move} where verse_id <> 'gen-1-2'",
            [b] if "%s" in move else [],
        )
        stage.check()
        stage.rest()


def old_place_of_a_recording_that_moves_is_refreshed(stage: Stage) -> None:
    stage.world.canon()
    a, b = stage.world.audio_version(), stage.world.audio_version()
    stage.world.recording(a, chapter="gen-1")
    stage.rest()
    for move in ("chapter_id = 'gen-2'", "audio_version_id = %s", "publish_status = 'archived'"):
        stage.execute(f"update media_files set {move}", [b] if "%s" in move else [])
        stage.check()
        stage.rest()


def old_place_of_a_timing_that_moves_is_refreshed(stage: Stage) -> None:
    stage.world.canon()
    a, b = stage.world.audio_version(), stage.world.audio_version()
    of_a = stage.world.recording(a, chapter="gen-1")
    of_b = stage.world.recording(b, chapter="gen-2")
    stage.world.timings(of_a, ["exod-1-1"])
    stage.rest()
    for move in ("verse_id = 'exod-2-1'", "media_file_id = %s", "deleted_at = now()"):
        stage.execute(f"update media_files_verses set {move}", [of_b] if "%s" in move else [])
        stage.check()
        stage.rest()


def chapters_of_the_timings_of_a_deleted_file_are_refreshed(stage: Stage) -> None:
    stage.world.canon()
    file = stage.world.recording(stage.world.audio_version(), chapter="gen-1")
    stage.world.timings(file, ["gen-2-1", "exod-2-1"])
    stage.rest()
    stage.execute("delete from media_files")
    stage.check()
    stage.rest()


def chapter_that_loses_its_last_verse_is_forgotten(stage: Stage) -> None:
    version = text_at_rest(stage, "gen-1-1", "gen-2-1")
    stage.execute(UNTEXT, [version, "gen-1-1"])
    stage.rest()


def version_that_loses_all_its_verses_is_emptied(stage: Stage) -> None:
    """Its chapters go one way, its rows another, and at last the version itself."""
    version = text_at_rest(stage, "gen-1-1", "gen-2-1", "exod-1-1")
    for loss in (
        "delete from chapters where id = 'gen-2'",
        "update text_versions set deleted_at = now()",
        "delete from text_versions",
    ):
        stage.execute(loss)
        stage.rest()
    for rollup in ("chapter_bitmap", "book_rollup", "version_rollup"):
        rows = f"select 1 from progress.{rollup} where version_id = %s"
        assert not stage.execute(rows, [version]), f"{rollup} still has rows"


def summary_follows_its_books(stage: Stage) -> None:
    version = text_at_rest(stage, "gen-1-1")
    stage.execute(TEXT, [version, "gen-1-2"])
    stage.rest()


def timing_beside_a_range_is_counted(stage: Stage) -> None:
    """Drains leave timings out unless one was noted that may add a verse."""
    stage.world.canon()
    file = stage.world.recording(stage.world.audio_version(), start="gen-1-1")
    stage.rest()
    stage.world.timings(file, ["gen-1-2"])
    stage.check()
    stage.rest()


def note_of_a_running_writer_outlives_a_whole_recompute(stage: Stage) -> None:
    """The recompute takes away notes that no timing needs; this one's timing it cannot see."""
    stage.world.canon()
    version = stage.world.audio_version()
    file = stage.world.recording(version, start="gen-1-1")
    stage.world.timings(file, ["gen-1-3"])
    stage.rest()
    stage.execute("delete from media_files_verses")
    writer = stage.session("writer")
    writer.begin()
    writer.run(
        "insert into media_files_verses (media_file_id, verse_id) values (%s, 'gen-1-2')", [file]
    )
    for _ in range(2):
        stage.execute("select progress.signal_all('audio')")
        stage.drain()
    writer.commit()
    stage.check()
    stage.rest()
    [(verses,)] = stage.execute("select count(*) from mv_audio_verse_coverage")
    assert verses == 2


def note_of_a_writer_that_commits_within_a_recompute_is_kept(stage: Stage) -> None:
    """It commits when the recompute has looked for timings and has not yet taken notes away."""
    stage.world.canon()
    version = stage.world.audio_version()
    file = stage.world.recording(version, start="gen-1-1")
    stage.rest()
    writer, drainer = stage.session("writer"), stage.session("drainer")
    writer.begin()
    writer.run(
        "insert into media_files_verses (media_file_id, verse_id) values (%s, 'gen-1-2')", [file]
    )
    writer.run("lock table progress.timed_version in share row exclusive mode")
    stage.execute("select progress.signal_all('audio')")
    drainer.start_drain("audio", version)
    # Where the strategy keeps no notes it ends here.
    drainer.waits_for()
    writer.commit()
    assert drainer.outcome() == "drained"
    stage.check()
    stage.rest()
    [(verses,)] = stage.execute("select count(*) from mv_audio_verse_coverage")
    assert verses == 2
