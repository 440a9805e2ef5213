"""bible-progress verify"""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import UUID

import pytest

from acceptance.command_line import CommandLine
from acceptance.installation import Installation
from bible_progress.rollout import moves as rollout


def test_clean_numbers_are_confirmed(cli: CommandLine, site: Installation) -> None:
    site.texts(3)
    assert "3 versions" in cli("verify").assert_done().out


def test_drift_at_every_stored_level_is_found(cli: CommandLine, site: Installation) -> None:
    one_chapter = "progress.chapter_bitmap set covered = %s where chapter_id = 'gen-1'"
    planted = {
        "verse": "update " + one_chapter % "b'010'",
        "chapter": "update " + one_chapter % "b'110'",
        "book": "update progress.book_rollup set chapters_with_any = 1, complete_chapters = 1",
        "version": "update progress.version_rollup set total_books = 9",
    }
    versions = dict(zip(planted, site.texts(len(planted)), strict=True))
    for level, statement in planted.items():
        only = " and" if " where " in statement else " where"
        site.run(f"{statement}{only} version_id = '{versions[level]}'")
    found = cli("verify", "--json")
    assert found.code == 9
    drifted = {
        row["version_id"]: {r["level"] for r in row["rows"]}
        for row in json.loads(found.out)["drifted"]
    }
    for level, version in versions.items():
        assert level in drifted[str(version)]


def test_drift_is_named_repaired_and_cured(cli: CommandLine, site: Installation) -> None:
    bad, good = site.texts(2)
    site.plant_drift(bad)
    done = cli("verify").assert_refused(9, "1 version")
    assert str(bad) in done.out
    assert str(good) not in done.out
    assert "--repair" in done.err
    assert "install" not in done.err  # no trigger is broken
    assert site.queued() == 0
    repaired = cli("verify", "--repair").assert_refused(9, "refresh")
    assert "--repair" not in repaired.err
    assert site.rows("select version_id from progress_refresh_queue") == [(bad,)]
    # A version that waits is left out: its numbers may differ.
    assert "1 version" in cli("verify").assert_refused(10, "1 in the queue").out
    cli("refresh").assert_done()
    cli("verify").assert_done()
    assert site.covered(bad) == 2


def test_writes_made_as_a_replica_are_found(cli: CommandLine, site: Installation) -> None:
    [version] = site.texts(1)
    site.run("set session_replication_role = replica")
    site.touch(version)
    site.run("reset session_replication_role")
    assert site.queued() == 0
    assert str(version) in cli("verify", "--repair").assert_refused(9).out
    cli("refresh").assert_done()
    cli("verify").assert_done()
    assert site.covered(version) == 3


def test_a_disabled_trigger_is_found_and_install_restores_it(
    cli: CommandLine, site: Installation
) -> None:
    site.texts(1)
    site.run("alter table verse_texts disable trigger progress_update")
    site.run("drop trigger progress_delete on media_files")
    found = cli("verify", "--json")
    assert found.code == 9
    broken = " ".join(json.loads(found.out)["broken_triggers"])
    for words in ("progress_update on public.verse_texts", "progress_delete on public.media_files"):
        assert words in broken
    cli("install").assert_done()
    cli("refresh").assert_done()
    cli("verify").assert_done()


def test_a_wrong_total_is_a_note_and_no_failure(cli: CommandLine, site: Installation) -> None:
    site.texts(1)
    site.run("update chapters set total_verses = 99 where id = 'gen-1'")
    site.drain()
    done = cli("verify").assert_done()
    assert "gen-1" in done.out
    assert "99" in done.out
    [lie] = json.loads(cli("verify", "--json").assert_done().out)["wrong_totals"]
    assert "gen-1" in lie


def test_a_sample_compares_as_many_as_asked(cli: CommandLine, site: Installation) -> None:
    for version in site.texts(5):
        site.plant_drift(version)
    found = cli("verify", "--sample", 2, "--json")
    assert found.code == 9
    assert json.loads(found.out)["checked"] == 2
    assert cli("verify", "--sample", 0).code == 2


def test_json_is_all_that_is_printed(cli: CommandLine, site: Installation) -> None:
    waiting, _ = site.texts(2)
    site.touch(waiting)
    done = cli("verify", "--json").assert_refused(10)
    assert json.loads(done.out) == {
        "checked": 1,
        "dirty": 1,
        "left_out": {"waiting": 1},
        "drifted": [],
        "broken_triggers": [],
        "wrong_totals": [],
    }
    site.drain()
    done = cli("verify", "--json").assert_done()
    assert (json.loads(done.out)["left_out"], done.err) == ({}, "")


def wait(site: Installation, version: UUID) -> None:
    site.touch(version)


def fail(site: Installation, version: UUID) -> None:
    site.touch(version)
    site.fail_drains_of(version)
    site.run("select progress.drain_version('text', %s)", version)
    site.stop_failing()


def die(site: Installation, version: UUID) -> None:
    site.bury(version)


def unsettle(site: Installation, version: UUID) -> None:
    canon = "select bible_version_id from text_versions where id = %s"
    site.run(
        "insert into progress.unsettled_change (bible_version_id) values (%s)",
        site.value(canon, version),
    )


def load(site: Installation, version: UUID) -> None:
    """The version has no numbers and no signal, as after a load past the triggers."""
    site.run("delete from progress.version_rollup where version_id = %s", version)


LEFT_OUT: dict[str, Callable[[Installation, UUID], None]] = {
    "waiting": wait,
    "failing": fail,
    "dead": die,
    "unsettled": unsettle,
    "unstored": load,
}


@pytest.mark.parametrize("reason", LEFT_OUT)
def test_what_cannot_be_compared_is_counted_and_no_success(
    cli: CommandLine, site: Installation, reason: str
) -> None:
    [version] = site.texts(1)
    LEFT_OUT[reason](site, version)
    done = cli("verify", "--json").assert_refused(10, "1 version not compared")
    found = json.loads(done.out)
    assert (found["checked"], found["dirty"], found["left_out"]) == (0, 1, {reason: 1})
    assert cli("verify").assert_refused(10).err == done.err


def test_each_reason_comes_with_its_own_advice(cli: CommandLine, site: Installation) -> None:
    versions = site.texts(len(LEFT_OUT))
    errors: set[str] = set()
    for version, (reason, leave_out) in zip(versions[:3], LEFT_OUT.items(), strict=False):
        leave_out(site, version)
        errors.add(cli("verify").assert_refused(10, reason.replace("waiting", "queue")).err)
    assert len(errors) == 3
    [left_out] = [json.loads(cli("verify", "--json").out)["left_out"]]
    assert left_out == {"waiting": 1, "failing": 1, "dead": 1}


def test_drift_weighs_more_than_what_was_left_out(cli: CommandLine, site: Installation) -> None:
    waiting, bad = site.texts(2)
    site.touch(waiting)
    site.plant_drift(bad)
    assert "left out: 1 in the queue" in cli("verify").assert_refused(9).out


def test_a_sample_that_meets_what_waits_is_no_success(cli: CommandLine, site: Installation) -> None:
    for version in site.texts(2):
        site.touch(version)
    cli("verify", "--sample", 1).assert_refused(10, "1 in the queue")
    site.drain()
    cli("verify", "--sample", 1).assert_done()


def test_without_a_version_nothing_was_confirmed(cli: CommandLine) -> None:
    done = cli("verify", "--json").assert_refused(10, "no version")
    assert json.loads(done.out)["checked"] == 0


@pytest.mark.parametrize("step", [1, 2, 3])
def test_steps_without_signals_leave_everything_out(
    cli: CommandLine, site: Installation, step: int
) -> None:
    site.texts(2)
    rollout.move(site.connection, step)
    done = cli("verify", "--json").assert_refused(10, "rollout")
    assert json.loads(done.out)["left_out"] == {"unsignalled": 2}


def test_a_materialized_view_that_is_not_filled_leaves_everything_out(
    cli: CommandLine, site: Installation
) -> None:
    site.texts(1)
    rollout.move(site.connection, 4)
    cli("refresh").assert_done()
    cli("verify").assert_done()
    site.run("refresh materialized view mv_audio_book_coverage with no data")
    done = cli("verify", "--json").assert_refused(10, "refresh fills them")
    assert json.loads(done.out)["left_out"] == {"unfilled": 1}


def test_a_deleted_version_whose_numbers_stayed_is_drift(
    cli: CommandLine, site: Installation
) -> None:
    [version] = site.texts(1)
    site.run("set session_replication_role = replica")
    site.run("update text_versions set deleted_at = now()")
    site.run("reset session_replication_role")
    done = cli("verify", "--repair")
    assert done.code == 9
    assert str(version) in done.out
    cli("refresh").assert_done()
    assert site.rows("select from progress.version_rollup") == []
