"""pg_cron in place of a worker: what it is given to run, that it runs it, and that all of it goes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from acceptance.command_line import CommandLine, soon
from acceptance.cron_server import cron_server, database
from acceptance.installation import Installation
from acceptance.own_server import OwnServer
from acceptance.worker_process import WorkerProcess
from bible_progress.installing import install, uninstall
from support import oracle

# The tick of a minute is less than 60 s away; what follows takes a moment on a busy machine.
A_TICK_SECONDS = 75.0


class Scheduled:
    """An installation whose jobs are, or are to be, in the pg_cron of its server."""

    def __init__(self, url: str, server: OwnServer, stack: ExitStack) -> None:
        self.cli = CommandLine(url)
        self.site = Installation(stack.enter_context(psycopg.connect(url, autocommit=True)))
        self.cron: Connection[Any] = stack.enter_context(
            psycopg.connect(server.url, autocommit=True)
        )
        self.name = self.site.value("select current_database()")

    def jobs(self) -> dict[str, tuple[str, str, str]]:
        rows = self.cron.execute(
            "select jobname, schedule, command, database from cron.job where jobname like %s",
            [f"bible-progress % ({self.name})"],
        )
        return {name.split()[1]: (when, command, where) for name, when, command, where in rows}

    def runs(self) -> list[tuple[str, str, str]]:
        """Return (job, status, message) of every run."""
        return self.cron.execute(
            "select j.jobname, d.status, d.return_message from cron.job_run_details d"
            " join cron.job j using (jobid) where j.jobname like %s order by d.runid",
            [f"bible-progress % ({self.name})"],
        ).fetchall()


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    """A server with pg_cron in database postgres, and another database beside it."""
    with cron_server(workers=True) as running:
        database(running, "beside")
        yield running


@pytest.fixture(params=["postgres", "beside"])
def host(server: OwnServer, request: pytest.FixtureRequest) -> Iterator[Scheduled]:
    """An installation in the database of pg_cron, and one in another; uninstalled in the end."""
    url = server.url.replace("/postgres?", f"/{request.param}?")
    with ExitStack() as stack:
        scheduled = Scheduled(url, server, stack)
        install.install(scheduled.site.connection)
        yield scheduled
        uninstall.uninstall(scheduled.site.connection)
        assert scheduled.jobs() == {}


def state(site: Installation, command: str) -> str | None:
    """Run a command; return the SQLSTATE of its error, or None."""
    try:
        site.run(command)
    except psycopg.Error as error:
        return error.sqlstate
    return None


def test_jobs_are_made_once_changed_and_removed(host: Scheduled) -> None:
    host.cli("schedule").assert_done()
    first = host.jobs()
    assert first["drain"][0] == "* * * * *"
    assert {name: where for name, (_, _, where) in first.items()} == {
        "drain": host.name,
        "audit": host.name,
        "purge": "postgres",
    }
    host.cli("schedule").assert_done()
    assert host.jobs() == first
    host.cli("schedule", "--every", 300).assert_done()
    changed = host.jobs()
    assert changed["drain"][0] == "*/5 * * * *"
    assert (changed["audit"], changed["purge"]) == (first["audit"], first["purge"])
    assert "pg_cron" in host.cli("status").assert_done().out
    host.cli("schedule", "--remove").assert_done()
    assert host.jobs() == {}
    assert "pg_cron" not in host.cli("status").assert_done().out
    assert "removed 0 jobs" in host.cli("schedule", "--remove").assert_done().out


def test_what_the_jobs_run_drains_audits_and_purges(host: Scheduled) -> None:
    """The very commands, run at once instead of at their time."""
    host.cli("schedule").assert_done()
    commands = {name: command for name, (_, command, _) in host.jobs().items()}
    versions = host.site.texts(3)
    host.site.touch(versions[0])
    host.site.run(commands["drain"])
    host.site.assert_right()
    host.site.plant_drift(versions[1])
    # A sample of two of three: it takes some runs to come by the one that is wrong.
    found = next(error for _ in range(200) if (error := state(host.site, commands["audit"])))
    assert found == "BP013"
    host.site.run(commands["drain"])
    host.site.assert_right()

    ours = "(select jobid from cron.job where jobname like 'bible-progress drain (%%')"
    for job in (ours, "4711"):
        for status, age in (
            ("succeeded", "2 hours"),
            ("succeeded", "2 days"),
            ("failed", "2 days"),
            ("failed", "8 days"),
            ("running", "8 days"),
        ):
            host.cron.execute(
                "insert into cron.job_run_details (jobid, runid, username, command, status,"  # type: ignore[arg-type]
                f" start_time) values ({job}, 1000000 + (random() * 1e9)::int, current_user, 'x',"
                " %s, now() - %s::interval)",
                [status, age],
            )
    host.cron.execute(commands["purge"])  # type: ignore[arg-type]
    left = (
        "select status, extract(day from now() - start_time)::int from cron.job_run_details"
        " where runid >= 1000000 and jobid"
    )
    kept = host.cron.execute(f"{left} = {ours}").fetchall()  # type: ignore[arg-type]
    assert sorted(kept) == [("failed", 2), ("running", 8), ("succeeded", 0)]
    assert len(host.cron.execute(f"{left} = 4711").fetchall()) == 5  # type: ignore[arg-type]
    host.cron.execute("delete from cron.job_run_details where jobid = 4711")


def test_an_uninstall_takes_jobs_and_their_log_and_one_that_is_refused_leaves_them(
    host: Scheduled,
) -> None:
    host.cli("schedule").assert_done()
    host.cron.execute(
        "insert into cron.job_run_details (jobid, runid, username, status)"
        " select jobid, 2000000 + jobid, current_user, 'succeeded' from cron.job"
    )
    # Another of the same server, and one of the host's own.
    host.cron.execute("select cron.schedule('bible-progress drain (other)', '7 7 7 7 7', 'select')")
    jobs = host.jobs()
    host.site.run("create view theirs as select * from progress.versions")
    host.cli("uninstall", "--yes").assert_refused(5, "theirs")
    assert host.jobs() == jobs
    assert len(host.runs()) >= 3
    host.site.run("drop view theirs")
    assert "removed 3 jobs of pg_cron" in host.cli("uninstall", "--yes").assert_done().out
    assert host.jobs() == {}
    assert host.cron.execute(
        "select jobname from cron.job where jobname is not null"
    ).fetchall() == [("bible-progress drain (other)",)]
    left = "select count(*) from cron.job_run_details where runid > 2000000"
    assert host.cron.execute(left).fetchone() == (0,)
    host.cron.execute("select cron.unschedule('bible-progress drain (other)')")


def test_periods_that_pg_cron_cannot_keep_are_refused(host: Scheduled) -> None:
    # 1.4 is what Debian 12 has; 1.5 brought seconds.
    version = host.cron.execute("select extversion from pg_extension where extname = 'pg_cron'")
    row = version.fetchone()
    assert row is not None
    if row[0].startswith(("1.3", "1.4")):
        host.cli("schedule", "--every", 5).assert_refused(7, f"pg_cron {row[0]}", "60")
    for seconds in (90, 7 * 60, 3600):
        host.cli("schedule", "--every", seconds).assert_refused(7, str(seconds))
    assert host.jobs() == {}


def test_an_extension_that_is_missing_is_told(server: OwnServer) -> None:
    with ExitStack() as stack:
        url = database(server, "lonely")
        CommandLine(url)("install").assert_done()
        host = Scheduled(url, server, stack)
        host.cron.execute("drop extension pg_cron")
        try:
            host.cli("schedule").assert_refused(4, "create extension pg_cron", "postgres")
        finally:
            host.cron.execute("create extension pg_cron")
        with pytest.raises(psycopg.Error) as refused:
            host.site.run("select progress.schedule()")
        assert refused.value.sqlstate == "BP012"
        assert "bible-progress schedule" in (refused.value.diag.message_hint or "")
        # The jobs may go by other hands; that is no obstacle.
        host.cli("schedule").assert_done()
        host.cron.execute("select cron.unschedule(jobid) from cron.job")
        host.cli("uninstall", "--yes").assert_done()


@pytest.mark.parametrize("where", ["postgres", "owned"])
def test_a_role_that_lacks_a_right_is_told_which_and_can_always_uninstall(
    server: OwnServer, where: str
) -> None:
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("create role owner login")
        # Content tables that another test left belong to another role.
        drops = admin.execute(
            "select format('drop table %s cascade', oid::regclass) from pg_class"
            " where relnamespace = 'public'::regnamespace and relkind = 'r'"
        ).fetchall()
        for (drop,) in drops:
            admin.execute(drop)
        admin.execute("grant create on schema public to owner")
        if where == "owned":
            admin.execute("create database owned owner owner template template0")
            admin.execute("grant pg_read_all_settings to owner")
        else:
            admin.execute("grant create on database postgres to owner")
        cli = CommandLine(make_conninfo(server.url, dbname=where, user="owner"))
        cli("install").assert_done()
        try:
            rights = ["usage on schema cron"]
            if where == "owned":
                rights.append("execute on function cron.schedule_in_database")
            for right in rights:
                refused = cli("schedule").assert_refused(4, "may not use pg_cron")
                assert "usage on schema cron" in refused.err
                admin.execute(f"grant {right} to owner")  # type: ignore[arg-type]
            cli("schedule").assert_done()
            jobs = "select count(*) from cron.job where username = 'owner'"
            assert admin.execute(jobs).fetchone() == (3,)
            admin.execute("revoke usage on schema cron from owner")
            # They would go on calling what is gone.
            cli("uninstall", "--yes").assert_refused(4, "permission denied")
            admin.execute("grant usage on schema cron to owner")
            cli("schedule", "--remove").assert_done()
            assert admin.execute(jobs).fetchone() == (0,)
            admin.execute("revoke usage on schema cron from owner")
        finally:
            cli("uninstall", "--yes").assert_done()
            if where == "owned":
                admin.execute("drop database owned")
            admin.execute("drop owned by owner")
            admin.execute("drop role owner")


def test_pg_cron_runs_them_beside_each_other_and_a_worker(tmp_path: Path) -> None:
    """In a production database, both ways to run jobs, pg_cron here and in another database.

    Writes go on until the minute turns; one version fails in every drain.
    """
    with ExitStack() as stack:
        hosts: list[Scheduled] = []
        for workers, name in ((True, None), (False, "beside")):
            server = stack.enter_context(cron_server(workers=workers))
            url = server.url if name is None else database(server, name)
            CommandLine(url)("install", "--environment", "production").assert_done()
            hosts.append(Scheduled(url, server, stack))
        for host in hosts:
            bad, *_ = host.site.texts(8)
            host.site.run(
                "update progress.settings set dead_after = '0', backoff_base = '1 ms',"
                " backoff_cap = '1 ms'"
            )
            host.site.fail_drains_of(bad)
            host.cli("schedule").assert_done()
            # The same drain once more, at the same moment.
            host.cron.execute(
                "select cron.schedule_in_database('overlap', '* * * * *', command, database)"
                " from cron.job where jobname like 'bible-progress drain%'"
            )
            host.site.touch(bad)
            host.site.run("delete from verses where id = 'gen-2-2'")
        numbers = random.Random(5)
        verses = ["gen-1-2", "gen-1-3", "gen-2-1", "exod-1-1", "exod-1-4", "exod-2-2"]

        def write() -> bool:
            """Write at random; return whether every job of the first minute has ended."""
            for host in hosts:
                for (version,) in host.site.rows(
                    "select id from text_versions order by random() limit 3"
                ):
                    host.site.run(
                        "insert into verse_texts (text_version_id, verse_id, verse_text)"
                        " values (%s, %s, %s) on conflict (text_version_id, verse_id)"
                        " do update set verse_text = excluded.verse_text",
                        version,
                        numbers.choice(verses),
                        numbers.choice(["Words.", ""]),
                    )
                with oracle.snapshot(host.site.connection) as connection:
                    oracle.assert_promises(connection)
            return all(ended(host) for host in hosts)

        def ended(host: Scheduled) -> bool:
            states = (
                "select count(*) from cron.job_run_details where status in ('succeeded', 'failed')"
            )
            row = host.cron.execute(states).fetchone()
            return row is not None and row[0] >= 3

        with WorkerProcess(hosts[0].cli, tmp_path, "--idle-seconds", "5"):
            assert soon(write, A_TICK_SECONDS), [host.runs() for host in hosts]
        for host in hosts:
            states = {(name.split()[1], status) for name, status, _ in host.runs()}
            assert ("drain", "succeeded") in states, host.runs()
            assert host.site.value("select count(*) from progress_refresh_dead_letter") > 0
            host.site.stop_failing()
            host.site.run("select progress.retry_dead_letters(null)")
            host.site.drain()
            host.site.assert_right()
