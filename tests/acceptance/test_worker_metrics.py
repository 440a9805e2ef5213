"""What a worker serves to Prometheus, with the values that are true."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from acceptance.command_line import CommandLine, soon
from acceptance.installation import Installation
from acceptance.worker_process import WorkerProcess, free_port, metrics

GAUGES = (
    "queue_depth",
    "oldest_signal_seconds",
    "dead_letters",
    "failing_versions",
    "dirty_versions",
)
COUNTERS = (
    "rows_changed_total",
    "retries_total",
    "drift_found_total",
    "audited_total",
    "reconnects_total",
)


@pytest.fixture
def port() -> int:
    return free_port()


def test_a_worker_without_work_serves_zeros(cli: CommandLine, tmp_path: Path, port: int) -> None:
    with WorkerProcess(cli, tmp_path, "--metrics-port", port):
        found = metrics(port)
    assert {found[name] for name in (*GAUGES, *COUNTERS)} == {0}
    assert found["lag_seconds_count"] == 0


def test_the_queue_and_its_troubles_are_told(
    cli: CommandLine,
    site: Installation,
    connect: Callable[..., Connection[Any]],
    tmp_path: Path,
    port: int,
) -> None:
    waiting, failing, dead = site.texts(3)
    site.bury(dead)
    site.run("update progress.settings set backoff_base = '1 day'")
    site.run("update progress.settings set backoff_cap = '100 days'")
    site.fail_drains_of(failing)
    site.touch(failing)
    site.rows("select progress.drain_version('text', %s)", failing)
    site.touch(waiting)
    drainer = connect(autocommit=False)
    lock = "select pg_advisory_xact_lock(progress.version_lock_key('text', %s))"
    drainer.execute(lock, [waiting])
    with WorkerProcess(cli, tmp_path, "--metrics-port", port):
        assert soon(lambda: metrics(port)["queue_depth"])
        found = metrics(port)
        drainer.rollback()
    assert found["queue_depth"] == 2
    assert found["oldest_signal_seconds"] > 0
    assert found["dead_letters"] == 1
    assert found["failing_versions"] == 1
    assert found["dirty_versions"] == 3


def test_drains_are_counted_and_timed(
    cli: CommandLine, site: Installation, tmp_path: Path, port: int
) -> None:
    versions = site.texts(3)
    audio = site.world.audio_version()
    site.drain()
    drained = "drains_total{kind=%s,outcome=drained}"
    with WorkerProcess(cli, tmp_path, "--metrics-port", port, "--idle-seconds", "0.05"):
        for version in versions:
            site.touch(version)
            assert soon(lambda: site.queued() == 0)
        site.world.recording(audio, chapter="gen-1")
        assert soon(lambda: metrics(port).get(drained % "audio") == 1)
        assert metrics(port)[drained % "text"] == 3
        found = metrics(port)
        # A bitmap, a book, a summary, and the day's state of it.
        assert found["rows_changed_total"] == 4 * 4
        assert found["drain_seconds_count{scope=chapters}"] == 4
        assert found["lag_seconds_count"] == 4
        assert 0 < found["lag_seconds_sum"] < 60
        assert found["drain_seconds_bucket{le=+Inf,scope=chapters}"] == 4
        site.run("select progress.signal_all('text')")
        assert soon(lambda: metrics(port)[drained % "text"] == 6)
        assert metrics(port)["drain_seconds_count{scope=version}"] == 3
        # Nothing had changed, so nothing was written.
        assert metrics(port)["rows_changed_total"] == 16


def test_failures_are_counted(
    cli: CommandLine, site: Installation, tmp_path: Path, port: int
) -> None:
    [version] = site.texts(1)
    site.run("update progress.settings set dead_after = '20 ms', backoff_base = '1 ms'")
    site.fail_drains_of(version)
    with WorkerProcess(cli, tmp_path, "--metrics-port", port, "--idle-seconds", "0.05"):
        site.touch(version)
        outcome = "drains_total{kind=text,outcome=%s}"
        assert soon(lambda: metrics(port).get(outcome % "dead") == 1)
        found = metrics(port)
        assert found["retries_total"] == found[outcome % "failed"] > 0
        assert found["rows_changed_total"] == 0
        # The gauges follow with the next heartbeat.
        assert soon(lambda: metrics(port)["dead_letters"] == 1)


def test_drift_is_counted(cli: CommandLine, site: Installation, tmp_path: Path, port: int) -> None:
    [version] = site.texts(1)
    often = ("--metrics-port", port, "--audit-seconds", "0.1")
    with WorkerProcess(cli, tmp_path, *often):
        assert soon(lambda: metrics(port)["audited_total"] >= 2)
        assert metrics(port)["drift_found_total"] == 0
        site.plant_drift(version)
        assert soon(lambda: metrics(port)["drift_found_total"] == 1)
        assert soon(lambda: site.covered(version) == 2)
        after = metrics(port)["audited_total"]
        assert soon(lambda: metrics(port)["audited_total"] > after + 2)
        assert metrics(port)["drift_found_total"] == 1


def test_the_age_of_the_oldest_signal_grows(
    cli: CommandLine, site: Installation, tmp_path: Path, port: int
) -> None:
    [version] = site.texts(1)
    site.run(
        "insert into progress_refresh_queue (kind, version_id, enqueued_at)"
        " values ('text', %s, now() - interval '1 hour')",
        version,
    )
    site.run("insert into progress.failure values ('text', %s, 1, now() + '1 day', 'x')", version)
    with WorkerProcess(cli, tmp_path, "--metrics-port", port):
        began = time.monotonic()
        assert soon(lambda: metrics(port)["oldest_signal_seconds"] >= 3600)
        assert metrics(port)["oldest_signal_seconds"] < 3600 + 60 + time.monotonic() - began
