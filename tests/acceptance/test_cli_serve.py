"""`bible-progress serve`: one process that answers, drains and stops when told."""

from __future__ import annotations

import signal

import httpx
import pytest

from acceptance.command_line import CommandLine, interrupt, soon
from acceptance.installation import Installation


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("drains", [True, False])
def test_it_serves_where_it_says_and_stops_when_told(
    cli: CommandLine, site: Installation, number: signal.Signals, drains: bool
) -> None:
    [version] = site.texts(1)
    site.touch(version)
    flags = () if drains else ("--no-worker",)
    with cli.started("serve", "--port", "0", *flags) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        path = f"{address}api/v1/versions/text/{version}"
        with httpx.Client(timeout=240) as client:
            if drains:
                assert soon(lambda: not client.get(path).json()["pending"])
            answer = client.get(path).json()
            assert (answer["covered_verses"], answer["pending"]) == (3, not drains)
            # A listener must not keep it.
            with client.stream("GET", f"{address}api/v1/events") as events:
                next(events.iter_lines())
                ended = interrupt(process, number)
    assert ended.code == 0, ended
    assert site.queued() == (0 if drains else 1)
    with pytest.raises(httpx.ConnectError):
        httpx.get(path)


def test_it_refuses_to_listen_to_others_without_a_secret(
    cli: CommandLine, site: Installation
) -> None:
    refused = cli("serve", "--host", "0.0.0.0", "--port", "0")
    refused.assert_refused(2, "0.0.0.0", "secret")


def test_a_database_without_bible_progress_is_told_at_once(empty_database: str) -> None:
    CommandLine(empty_database)("serve", "--port", "0").assert_refused(6, "not installed")
