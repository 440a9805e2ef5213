"""Jobs of pg_cron that still drain an earlier implementation, on a real pg_cron."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from bible_progress import sql
from bible_progress.embedded.server import EmbeddedPostgres
from bible_progress.installing import doctor, install

EARLIER = Path(__file__).with_name("earlier_implementation.sql").read_text(encoding="utf-8")
# Debian's, as .ci/run installs it.
BINARIES = Path("/usr/lib/postgresql/15/bin")
EXTENSION = Path("/usr/share/postgresql/15/extension/pg_cron.control")


@pytest.fixture
def scheduled() -> Iterator[Connection[Any]]:
    """A host with an earlier implementation on a server with pg_cron; rolled back."""
    if not EXTENSION.exists():
        pytest.skip("Debian's postgresql-15-cron is not installed")
    settings = {
        "shared_preload_libraries": "pg_cron",
        "cron.database_name": "postgres",
        # Jobs are looked at here, not run.
        "cron.launch_active_jobs": "off",
    }
    with (
        EmbeddedPostgres(settings=settings, binaries=BINARIES, durable=False) as server,
        psycopg.connect(server.url) as connection,
    ):
        connection.execute("create extension pg_cron")
        connection.execute(sql.read("host/host_tables.sql"))
        connection.execute(EARLIER)
        yield connection
        connection.rollback()


def test_jobs_that_do_nothing_else_go_and_others_are_named(scheduled: Connection[Any]) -> None:
    jobs = {
        "drain": "select drain_progress_refresh_queue();",
        "again": " SELECT * FROM public.refresh_progress_views_safely()",
        "more": "select refresh_progress_views(); delete from outbox",
        "with more": "select drain_progress_refresh_queue() + count(*) from outbox",
        "outbox": "select drain_outbox()",
    }
    for name, command in jobs.items():
        scheduled.execute("select cron.schedule(%s, '* * * * *', %s)", [name, command])

    findings = {f.check.name: f for f in doctor.examine(scheduled).findings}
    told = " | ".join(findings["earlier_cron_jobs"].rows)
    assert [name for name in jobs if f"({name})" in told] == ["drain", "again", "more", "with more"]

    plan = install.make_plan(scheduled, replace=True)
    assert plan.replacement
    dropped = [what for what, _ in plan.replacement.drops if what.startswith("job ")]
    assert [name for name in jobs if f"({name})" in " ".join(dropped)] == ["drain", "again"]
    notes = " ".join(plan.replacement.notes)
    assert "(more)" in notes
    assert "(with more)" in notes

    install.install(scheduled, replace=True)
    left = scheduled.execute("select jobname from cron.job order by jobid").fetchall()
    assert left == [("more",), ("with more",), ("outbox",)]
