"""The production guard: nobody recomputes by hand what the worker keeps fresh."""

from __future__ import annotations

from uuid import UUID

import pytest

from acceptance.command_line import CommandLine
from acceptance.installation import Installation

NOWHERE = str(UUID(int=0))


@pytest.fixture
def production(cli: CommandLine, site: Installation) -> Installation:
    """A production database with a version that waits."""
    cli("install", "--environment", "production").assert_done()
    [version] = site.texts(1)
    site.touch(version)
    return site


def overrides(site: Installation) -> list[tuple[str, str]]:
    return site.rows("select action, reason from progress.override order by overridden_at")  # type: ignore[return-value]


def test_manual_work_is_refused_and_nothing_is_done(
    production: Installation, cli: CommandLine
) -> None:
    [version] = [row[0] for row in production.rows("select id from text_versions")]
    for arguments in (
        ("refresh",),
        ("refresh", "--all"),
        ("refresh", "--version", version),
        ("verify", "--repair"),
        ("dead-letter", "retry", "--all"),
        ("dead-letter", "discard", NOWHERE),
        ("install", "--environment", "development"),
    ):
        cli(*arguments).assert_refused(8, "production")
    assert production.queued() == 1
    assert production.covered(version) == 2
    assert overrides(production) == []


def test_looking_is_always_allowed(production: Installation, cli: CommandLine) -> None:
    for arguments in (("status",), ("dead-letter", "list"), ("install", "--dry-run")):
        cli(*arguments).assert_done()
    cli("verify").assert_refused(10, "in the queue")


def test_an_override_does_it_and_is_recorded(production: Installation, cli: CommandLine) -> None:
    cli("refresh", "--override", "the worker is down").assert_done()
    cli("verify", "--repair", "--override", " checking ").assert_done()
    assert production.queued() == 0
    assert overrides(production) == [
        ("refresh", "the worker is down"),
        ("repair", "checking"),
    ]
    who = "select overridden_by, overridden_at <= now() from progress.override"
    assert {row[1] for row in production.rows(who)} == {True}
    assert {row[0] for row in production.rows(who)} == {production.value("select session_user")}


def test_an_override_needs_a_reason(production: Installation, cli: CommandLine) -> None:
    cli("refresh", "--override", "  ").assert_refused(8)
    assert cli("refresh", "--override").code == 2
    assert production.queued() == 1


def test_continuous_integration_may_do_it(production: Installation, cli: CommandLine) -> None:
    cli("refresh", env={"CI": "true"}).assert_done()
    assert production.queued() == 0
    assert overrides(production) == []
    cli("refresh", env={"CI": "false"}).assert_refused(8)


def test_a_retry_that_is_refused_for_another_reason_leaves_no_record(
    production: Installation, cli: CommandLine
) -> None:
    cli("dead-letter", "retry", NOWHERE, "--override", "why not").assert_refused(7)
    cli("refresh", "--version", 12 * "0", "--override", "why not")
    assert overrides(production) == []


def test_development_records_no_override(cli: CommandLine, site: Installation) -> None:
    site.texts(1, drained=False)
    cli("refresh", "--override", "just so").assert_done()
    assert overrides(site) == []
