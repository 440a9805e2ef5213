"""bible-progress dead-letter"""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from acceptance.command_line import CommandLine
from acceptance.installation import Installation

NOWHERE = str(UUID(int=0))


def test_there_are_none(cli: CommandLine) -> None:
    cli("dead-letter", "list").assert_done()
    assert json.loads(cli("dead-letter", "list", "--json").assert_done().out) == []
    assert "0 dead letters" in cli("dead-letter", "retry", "--all").assert_done().out


def test_list_shows_them_with_their_errors(cli: CommandLine, site: Installation) -> None:
    [version] = site.texts(1)
    letter = site.bury(version, "out of luck")
    out = cli("dead-letter", "list").assert_done().out
    assert str(letter) in out
    assert str(version) in out
    assert "luck" in out
    [found] = json.loads(cli("dead-letter", "list", "--json").assert_done().out)
    assert found["id"] == str(letter)
    assert found["version_id"] == str(version)
    assert found["chapter_id"] == "gen-1"
    assert found["attempts"] == 1
    assert found["last_error"] == "P0001: out of luck"


def test_an_error_with_brackets_is_shown_as_it_is(cli: CommandLine, site: Installation) -> None:
    [version] = site.texts(1)
    site.bury(version, "[/b][i]x")
    assert "[/b][i]x" in cli("dead-letter", "list").assert_done().out


def test_retry_puts_some_back(cli: CommandLine, site: Installation) -> None:
    first, second = site.texts(2)
    letters = [site.bury(version) for version in (first, second)]
    cli("dead-letter", "retry", letters[1], letters[1]).assert_done()
    assert site.rows("select version_id from progress_refresh_queue") == [(second,)]
    assert site.dead() == 1
    cli("refresh").assert_refused(10)
    assert (site.covered(first), site.covered(second)) == (2, 3)


def test_retry_all_puts_every_one_back(cli: CommandLine, site: Installation) -> None:
    versions = site.texts(3)
    for version in versions:
        site.bury(version)
    cli("dead-letter", "retry", "--all").assert_done()
    assert site.dead() == 0
    cli("refresh").assert_done()
    assert {site.covered(version) for version in versions} == {3}
    site.assert_right()


def test_unknown_letters_are_refused_whole(cli: CommandLine, site: Installation) -> None:
    [version] = site.texts(1)
    letter = site.bury(version)
    cli("dead-letter", "retry", letter, NOWHERE).assert_refused(7, NOWHERE)
    assert (site.dead(), site.queued()) == (1, 0)


@pytest.mark.parametrize("action", ["retry", "discard"])
@pytest.mark.parametrize("text", ["1", "", "'", f"{NOWHERE}0"])
def test_what_is_no_id_is_refused(cli: CommandLine, action: str, text: str) -> None:
    done = cli("dead-letter", action, text)
    assert done.code == 2
    assert f"{repr(text) if text else 'nothing'} is not the id of a dead letter" in done.err


def test_retry_wants_ids_or_all_and_not_both(cli: CommandLine) -> None:
    cli("dead-letter", "retry").assert_refused(2, "--all")
    cli("dead-letter", "retry", NOWHERE, "--all").assert_refused(2, "--all")


def test_a_letter_that_still_matters_is_not_discarded(cli: CommandLine, site: Installation) -> None:
    [version] = site.texts(1)
    letter = site.bury(version)
    cli("dead-letter", "discard", letter).assert_refused(4, str(version))
    assert site.dead() == 1


def test_a_letter_whose_version_is_right_all_the_same_is_discarded(
    cli: CommandLine, site: Installation
) -> None:
    [version] = site.texts(1)
    letter = site.bury(version)
    site.run("delete from verse_texts where verse_id = 'gen-1-2'")
    site.drain()
    site.run(
        "insert into progress_refresh_dead_letter"
        " (kind, version_id, chapter_id, enqueued_at, attempts, last_error)"
        " select 'text', %s, 'gen-1', now(), 1, 'broken' where %s is not null",
        version,
        letter,
    )
    left = site.value("select id from progress_refresh_dead_letter")
    cli("dead-letter", "discard", left, NOWHERE).assert_refused(7, NOWHERE)
    assert site.dead() == 1
    cli("dead-letter", "discard", left).assert_done()
    assert site.dead() == 0
    site.assert_right()


def test_the_database_may_be_named_after_the_action(cli: CommandLine, database: str) -> None:
    """As it may be for every other command."""
    nowhere = CommandLine(None)
    nowhere("status", "--database-url", database).assert_done()
    nowhere("dead-letter", "list", "--database-url", database).assert_done()
