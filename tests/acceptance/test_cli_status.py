"""bible-progress status"""

from __future__ import annotations

import json
from dataclasses import fields

from acceptance.command_line import CommandLine
from acceptance.installation import Installation
from bible_progress.models import Status


def test_status_of_an_empty_installation(cli: CommandLine) -> None:
    done = cli("status").assert_done()
    assert "0 text, 0 audio" in done.out
    assert "never" in done.out
    assert "Traceback" not in done.err


def test_status_says_when_nothing_drains(cli: CommandLine, site: Installation) -> None:
    site.texts(3, drained=False)
    done = cli("status").assert_done()
    assert f"{site.queued()} signals" in done.out
    assert "drained by    nothing" in done.out
    assert "bible-progress worker" in done.out
    site.run("insert into progress.worker values (gen_random_uuid(), 'here')")
    done = cli("status").assert_done()
    assert "1 worker" in done.out
    assert "nothing" not in done.out


def test_a_worker_that_is_silent_for_long_does_not_count(
    cli: CommandLine, site: Installation
) -> None:
    site.texts(1, drained=False)
    site.run(
        "insert into progress.worker (worker_id, description, seen_at)"
        " values (gen_random_uuid(), 'gone', now() - interval '1 hour')"
    )
    assert json.loads(cli("status", "--json").out)["workers"] == 0


def test_status_shows_failures_with_their_errors_as_they_are(
    cli: CommandLine, site: Installation
) -> None:
    bad, _ = site.texts(2)
    site.fail_drains_of(bad, "see [/etc] and [red]this")
    site.touch(bad)
    site.rows("select progress.drain_version('text', %s)", bad)
    done = cli("status").assert_done()
    assert str(bad) in done.out
    assert "P0001: see [/etc] and [red]this" in done.out
    found = json.loads(cli("status", "--json").assert_done().out)
    assert found["failing_versions"] == 1
    [failure] = found["failures"]
    assert failure["version_id"] == str(bad)
    assert failure["attempts"] == 1
    assert failure["last_error"] == "P0001: see [/etc] and [red]this"


def test_json_has_every_field_and_only_json(cli: CommandLine, site: Installation) -> None:
    site.texts(2)
    done = cli("status", "--json").assert_done()
    found = json.loads(done.out)
    assert found.keys() == {field.name for field in fields(Status)} | {"failures", "hindrances"}
    assert found["text_versions"] == found["stored_versions"] == 2
    assert found["queue_depth"] == found["dirty_versions"] == 0
    assert found["failures"] == []
    assert done.err == ""


def test_a_dead_letter_does_not_look_like_a_queue(cli: CommandLine, site: Installation) -> None:
    [version] = site.texts(1)
    site.bury(version)
    done = cli("status").assert_done()
    assert "0 signals" not in done.out
    found = json.loads(cli("status", "--json").out)
    assert (found["queue_depth"], found["dirty_versions"], found["dead_letters"]) == (0, 1, 1)


def test_status_works_in_a_transaction_that_may_not_write(
    cli: CommandLine, site: Installation
) -> None:
    site.texts(1)
    cli("status", env={"PGOPTIONS": "-c default_transaction_read_only=on"}).assert_done()
