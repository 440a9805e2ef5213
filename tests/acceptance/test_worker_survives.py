"""A worker outlives its connections, and a version that fails delays nobody."""

from __future__ import annotations

from pathlib import Path

import psycopg

from acceptance.command_line import CommandLine, soon
from acceptance.installation import Installation
from acceptance.own_server import own_server
from acceptance.worker_process import WorkerProcess, free_port, metrics

SESSIONS = (
    "from pg_stat_activity where datname = current_database()"
    " and application_name like 'bible-progress%%'"
)


def test_terminated_sessions_are_opened_again(
    cli: CommandLine, site: Installation, tmp_path: Path
) -> None:
    [version] = site.texts(1)
    port = free_port()
    with WorkerProcess(cli, tmp_path, "--metrics-port", port) as worker:
        # Two drain, one beats; the one that audits begins later.
        assert soon(lambda: len(site.rows(f"select {SESSIONS}")) >= 3)
        before = {pid for (pid,) in site.rows(f"select pid {SESSIONS}")}
        site.rows(f"select pg_terminate_backend(pid) {SESSIONS}")
        site.touch(version)
        assert soon(lambda: site.queued() == 0)
        assert soon(lambda: len(site.rows(f"select {SESSIONS}")) >= 3)
        assert not before & {pid for (pid,) in site.rows(f"select pid {SESSIONS}")}
        assert metrics(port)["reconnects_total"] >= 1
        assert worker.process.poll() is None
        assert all("Traceback" not in event["message"] for event in worker.events())
    assert site.covered(version) == 3
    # One lost connection is the server's matter.
    assert site.rows("select from progress.failure") == []


def test_a_restart_of_the_server_is_survived(tmp_path: Path) -> None:
    with own_server() as server:
        cli = CommandLine(server.url)
        cli("install").assert_done()
        with psycopg.connect(server.url, autocommit=True) as connection:
            [version] = Installation(connection).texts(1)
        with WorkerProcess(cli, tmp_path) as worker:
            server.stop()
            assert soon(lambda: worker.said("trying again"))
            server.start()
            with psycopg.connect(server.url, autocommit=True) as connection:
                site = Installation(connection)
                site.touch(version)
                assert soon(lambda: site.queued() == 0)
                assert site.covered(version) == 3
            worker.stop()
            assert worker.process.returncode == 0
            assert "Traceback" not in worker.log.read_text()


def test_a_failing_version_delays_nobody(
    cli: CommandLine, site: Installation, tmp_path: Path
) -> None:
    bad, *good = site.texts(5)
    site.run("update progress.settings set dead_after = '100 ms', backoff_base = '10 ms'")
    site.fail_drains_of(bad)
    with WorkerProcess(cli, tmp_path, "--idle-seconds", "0.05") as worker:
        for version in (bad, *good):
            site.touch(version)
        assert soon(lambda: {site.covered(version) for version in good} == {3})
        assert soon(lambda: site.dead() == 1)
        assert soon(lambda: worker.said("drain dead"))
        levels = {event.get("outcome"): event["level"] for event in worker.events()}
        assert (levels["failed"], levels["dead"]) == ("WARNING", "ERROR")
        site.stop_failing()
        cli("dead-letter", "retry", "--all").assert_done()
        assert soon(lambda: site.covered(bad) == 3)
    site.assert_right()


def test_an_uninstall_and_an_install_beside_it_are_survived(
    cli: CommandLine, site: Installation, tmp_path: Path
) -> None:
    [version] = site.texts(1)
    with WorkerProcess(cli, tmp_path, "--idle-seconds", "0.05") as worker:
        cli("uninstall", "--yes").assert_done()
        assert soon(lambda: worker.said("trying again"))
        site.touch(version)
        cli("install").assert_done()
        assert soon(lambda: bool(site.rows("select from progress.version_rollup")))
        assert soon(lambda: site.queued() == 0)
        assert worker.process.poll() is None
    assert site.covered(version) == 3
    site.assert_right()
