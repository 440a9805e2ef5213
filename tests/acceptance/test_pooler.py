"""Everything through PgBouncer in transaction mode, where no two statements share a session."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from acceptance.command_line import CommandLine, soon
from acceptance.installation import Installation
from acceptance.pooler import Pooler, pooler
from acceptance.worker_process import WorkerProcess, free_port, metrics
from bible_progress.engine.worker import Worker, WorkerSettings
from bible_progress.reading import documents as d
from support import oracle
from web.site import BEARER, SECRET, served
from web.test_events import events, listen

V1 = "/api/v1"


@pytest.fixture
def pool(database: str) -> Iterator[Pooler]:
    """Two server connections to this test's database, for any number of clients."""
    with pooler(database) as running:
        yield running
        assert running.left_behind() == set()


@pytest.fixture
def through(pool: Pooler) -> CommandLine:
    """The command line behind the pooler."""
    return CommandLine(pool.url)


def test_installing_moving_and_uninstalling_need_one_connection(empty_database: str) -> None:
    """One is all there is, so a second one beside it would wait for ever."""
    with pooler(empty_database, size=1) as pool, psycopg.connect(empty_database) as connection:
        connection.autocommit = True
        site = Installation(connection)
        cli = CommandLine(pool.url)
        cli("install", "--dry-run").assert_done()
        cli("install").assert_done()
        versions = site.texts(3, drained=False)
        cli("install").assert_done()
        for way, step in (("back", 3), ("apply", 4), ("apply", 5)):
            cli("rollout", way, "--to", step).assert_done()
            cli("refresh").assert_done()
        site.assert_right()
        assert {site.covered(version) for version in versions} == {2}
        cli("rollout", "status").assert_done()
        cli("uninstall", "--yes").assert_done()
        assert site.rows("select from pg_namespace where nspname = 'progress'") == []
        assert pool.left_behind() == set()


def test_commands_of_an_operator(through: CommandLine, site: Installation) -> None:
    bad, good = site.texts(2)
    site.bury(bad)
    site.touch(good)
    through("refresh").assert_refused(10)
    through("dead-letter", "list").assert_done()
    through("dead-letter", "retry", "--all").assert_done()
    through("refresh").assert_done()
    assert {site.covered(bad), site.covered(good)} == {3}
    site.plant_drift(good)
    through("verify").assert_refused(9)
    through("verify", "--repair").assert_refused(9)
    through("refresh", "--all").assert_done()
    through("verify").assert_done()
    through("status", "--json").assert_done()
    through("import", "canon", "--name", "another", "--id-prefix", "x-").assert_done()
    through("rollout", "measure", "--seconds", "0.05", "--readers", "3").assert_done()
    through("rollout", "plan")
    through("refresh").assert_done()
    site.assert_right()


def test_a_worker_with_more_connections_than_the_pool_has(
    pool: Pooler, through: CommandLine, site: Installation, tmp_path: Path
) -> None:
    bad, *good = site.texts(6)
    site.run("update progress.settings set dead_after = '0', backoff_base = '1 ms'")
    site.fail_drains_of(bad)
    port = free_port()
    arguments = ("--concurrency", 4, "--audit-seconds", "0.1", "--metrics-port", port)
    with WorkerProcess(through, tmp_path, *arguments) as worker:
        for verse in ("gen-1-2", "gen-1-3", "gen-2-1"):
            for version in (bad, *good):
                site.touch(version, verse)
            with oracle.snapshot(site.connection) as connection:
                oracle.assert_promises(connection)
        site.run("delete from verses where id = 'gen-2-2'")
        assert soon(lambda: site.queued() == 0 and {site.covered(v) for v in good} == {5})
        assert soon(lambda: site.dead() > 0)
        assert soon(lambda: metrics(port).get("audited_total", 0) > 3), metrics(port)
        worker.stop()
        assert worker.process.returncode == 0
        assert not worker.said("trying again")


def test_a_restart_of_the_pooler_is_survived(
    pool: Pooler, through: CommandLine, site: Installation, tmp_path: Path
) -> None:
    [version] = site.texts(1)
    with WorkerProcess(through, tmp_path) as worker:
        pool.stop()
        assert soon(lambda: worker.said("trying again"))
        pool.start()
        site.touch(version)
        assert soon(lambda: site.queued() == 0)
    # That the pooler went away is nobody's failure.
    assert site.rows("select from progress.failure") == []
    site.assert_right()


def test_the_api_reads_drains_and_tells_of_changes(pool: Pooler, site: Installation) -> None:
    versions = site.texts(4)
    worker = Worker(WorkerSettings(database_url=pool.url, concurrency=2, audit_seconds=0.1))
    thread = threading.Thread(target=worker.run)
    with served(pool.url, secret=SECRET) as api:
        with listen(api) as answer:
            stream = events(answer)
            assert next(stream)[0] == "ready"
            site.touch(versions[0])
            name, _, named = next(stream)
            assert (name, named) == ("changed", [str(versions[0])])
            thread.start()
            for version in versions:
                site.touch(version, "gen-1-3")
                tree = api.get(f"{V1}/versions/text/{version}/tree")
                assert tree.status_code == 200, tree.text
                assert tree.json()["covered_verses"] == (4 if version == versions[0] else 3)
        worker.stop()
        thread.join(240)
        site.touch(versions[1], "gen-2-1")
        done = d.Refreshed.model_validate_json(
            api.post(f"{V1}/refresh", headers=BEARER, params={"seconds": 5}).content
        )
        assert (done.failed, done.remaining) == (0, 0)
        for path in ("/readyz", f"{V1}/versions", f"{V1}/languages", f"{V1}/operations/queue"):
            assert api.get(path, headers=BEARER).status_code == 200
    site.assert_right()


def test_options_in_the_url_are_refused_with_what_to_do(pool: Pooler, site: Installation) -> None:
    url = make_conninfo(pool.url, options="-c statement_timeout=3000")
    refused = CommandLine(url)("status").assert_refused(3, "unsupported startup parameter")
    assert "ignore_startup_parameters" in refused.err


def test_statement_mode_is_refused_before_anything_is_changed(
    database: str, site: Installation
) -> None:
    before = site.relations()
    with pooler(database, mode="statement") as pool:
        cli = CommandLine(pool.url)
        for command in (("install",), ("uninstall", "--yes"), ("rollout", "back")):
            refused = cli(*command).assert_refused(3, "statement pooling mode")
            assert "pool_mode" in refused.err
    assert site.relations() == before
