"""bible-progress worker: it drains, audits, tells what it does, and takes no harm from company."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from acceptance.command_line import CommandLine, soon
from acceptance.installation import Installation
from acceptance.worker_process import WorkerProcess, free_port

QUICK = ("--idle-seconds", "0.05")


def test_writes_are_counted_soon(cli: CommandLine, site: Installation, tmp_path: Path) -> None:
    [text] = site.texts(1)
    audio = site.world.audio_version()
    with WorkerProcess(cli, tmp_path):
        site.touch(text)
        site.world.recording(audio, chapter="gen-1")
        assert soon(lambda: site.queued() == 0)
        assert (site.covered(text), site.covered(audio)) == (3, 3)
        site.run("delete from verse_texts")
        assert soon(lambda: site.covered(text) == 0)
        site.run("insert into verses values ('gen-2-3', 3, 'gen-2')")
        assert soon(lambda: not site.rows("select from progress.dirty"))
        site.assert_right()


def test_a_worker_is_seen_while_it_runs(
    cli: CommandLine, site: Installation, tmp_path: Path
) -> None:
    with WorkerProcess(cli, tmp_path) as worker:
        assert soon(lambda: len(site.rows("select from progress.worker")) == 1)
        assert str(worker.process.pid) in site.value("select description from progress.worker")
        assert "1 worker" in cli("status").out
        worker.stop()
    assert site.rows("select from progress.worker") == []


def test_two_workers_share_the_work(cli: CommandLine, site: Installation, tmp_path: Path) -> None:
    versions = site.texts(60, drained=False)
    with WorkerProcess(cli, tmp_path), WorkerProcess(cli, tmp_path):
        assert soon(lambda: len(site.rows("select from progress.worker")) == 2)
        for version in versions:
            site.touch(version)
        assert soon(lambda: site.queued() == 0)
    assert {site.covered(version) for version in versions} == {3}
    assert site.rows("select from progress.failure") == []
    site.assert_right()


def test_what_came_and_went_past_the_triggers_is_found(
    cli: CommandLine, site: Installation, tmp_path: Path
) -> None:
    """Without the audit, whose turn may be long in coming."""
    [gone, _] = site.texts(2)
    with WorkerProcess(cli, tmp_path, *QUICK, "--audit-seconds", "3600") as worker:
        site.load(5)
        site.run("set session_replication_role = replica")
        site.run("delete from text_versions where id = %s", gone)
        site.run("reset session_replication_role")
        are_stored = (
            "select array(select version_id from progress.version_rollup order by 1)"
            " = array(select version_id from progress.versions order by 1)"
        )
        assert soon(lambda: site.value(are_stored))
        assert soon(lambda: not site.rows("select from progress.dirty"))
        assert [e for e in worker.events() if e.get("action") == "unsignalled"]
    site.assert_right()


def test_drift_is_found_and_cured(cli: CommandLine, site: Installation, tmp_path: Path) -> None:
    [version] = site.texts(1)
    with WorkerProcess(cli, tmp_path, *QUICK, "--audit-seconds", "0.2") as worker:
        site.plant_drift(version)
        assert soon(lambda: site.covered(version) == 2)
        assert soon(lambda: worker.said(str(version)))
        found = [event for event in worker.events() if event.get("action") == "audit"]
        assert found[0]["level"] == "ERROR"
    site.assert_right()


def test_a_trigger_that_is_off_is_reported(
    cli: CommandLine, site: Installation, tmp_path: Path
) -> None:
    site.texts(1)
    site.run("alter table verse_texts disable trigger progress_insert")
    with WorkerProcess(cli, tmp_path, "--audit-seconds", "0.2") as worker:
        assert soon(lambda: worker.said("progress_insert on public.verse_texts"))
        assert all(event["time"] for event in worker.events())


def test_every_line_of_the_log_is_json_with_a_time_and_a_level(
    cli: CommandLine, site: Installation, tmp_path: Path
) -> None:
    bad, good = site.texts(2)
    site.fail_drains_of(bad, 'a "quoted"\nerror')
    with WorkerProcess(cli, tmp_path, *QUICK, "--log-level", "debug") as worker:
        for version in (bad, good):
            site.touch(version)
        assert soon(lambda: worker.said("drain failed") and worker.said("drain drained"))
        worker.stop()
    events = worker.events()
    for event in events:
        assert event["level"] in ("DEBUG", "INFO", "WARNING", "ERROR")
        assert datetime.fromisoformat(event["time"])
        assert event["message"]
    assert (events[0]["action"], events[-1]["action"]) == ("start", "stop")
    drains = {(event.get("version"), event.get("outcome")): event for event in events}
    assert drains[str(good), "drained"]["rows_changed"] > 0
    assert "quoted" in drains[str(bad), "failed"]["error"]


def test_times_in_the_log_mean_one_moment_everywhere(
    cli: CommandLine, site: Installation, tmp_path: Path
) -> None:
    """A time without an offset is another moment on another machine."""
    with WorkerProcess(cli, tmp_path) as worker:
        [started] = worker.events()[:1]
    assert datetime.fromisoformat(started["time"]).utcoffset() is not None


def test_the_log_can_be_text(cli: CommandLine, tmp_path: Path) -> None:
    with WorkerProcess(cli, tmp_path, "--log-format", "text") as worker:
        worker.stop()
    [first, *_] = worker.log.read_text().splitlines()
    with pytest.raises(json.JSONDecodeError):
        json.loads(first)
    assert "INFO" in first


def test_a_wrong_url_ends_it_at_once() -> None:
    nowhere = CommandLine("postgresql://127.0.0.1:1/nowhere")
    nowhere("worker").assert_refused(3)


def test_a_busy_metrics_port_is_a_clear_error(cli: CommandLine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        cli("worker", "--metrics-port", port).assert_refused(1, str(port))


def test_an_address_for_metrics_that_is_none_is_a_clear_error(cli: CommandLine) -> None:
    where = ("--metrics-host", "203.0.113.1", "--metrics-port", free_port())
    cli("worker", *where).assert_refused(1, "203.0.113.1")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_listens_unless_asked(cli: CommandLine, site: Installation, tmp_path: Path) -> None:
    with WorkerProcess(cli, tmp_path) as worker:
        assert soon(lambda: site.rows("select from progress.worker"))
        assert listening(worker.process) == 0
    port = free_port()
    with WorkerProcess(cli, tmp_path, "--metrics-port", port) as worker:
        assert listening(worker.process) == 1


def test_an_idle_worker_hardly_works(cli: CommandLine, site: Installation, tmp_path: Path) -> None:
    """It polls a few times a second, not a few thousand times."""
    site.texts(1)
    executed = "select xact_commit from pg_stat_database where datname = current_database()"
    with WorkerProcess(cli, tmp_path):
        assert soon(lambda: site.rows("select from progress.worker"))
        time.sleep(1)
        before = site.value(executed)
        time.sleep(2)
        assert site.value(executed) - before < 100


def listening(process: subprocess.Popen[bytes]) -> int:
    """Return how many TCP sockets of a process listen."""
    own = set()
    for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            own.add(target.removeprefix("socket:[").removesuffix("]"))
    listens = "0A"
    sockets = 0
    for table in ("tcp", "tcp6"):
        lines = Path(f"/proc/{process.pid}/net/{table}").read_text().splitlines()[1:]
        rows = [line.split() for line in lines]
        sockets += sum(row[3] == listens and row[9] in own for row in rows)
    return sockets
