"""The real Supabase CLI applies what export writes, to a database that is like a hosted one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from acceptance.command_line import CommandLine, soon
from acceptance.installation import Installation
from acceptance.supabase_project import HOST_MIGRATION, OWNER, Database, Hosted, Project, hosted
from bible_progress.installing import install
from oracle.checks import assert_right
from schema.catalog import assert_same_catalog, catalog
from upgrades.newer_package import BREAKING, VERSION, NewerPackage

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def server() -> Iterator[Hosted]:
    with hosted() as running:
        yield running


@pytest.fixture
def database(server: Hosted) -> Database:
    return server.database()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def export(project: Project) -> Path:
    """The file that a first export adds to the project."""
    cli = CommandLine(None)
    cli("export", "supabase", "--out", project.migrations).assert_done()
    [host, ours] = sorted(project.migrations.iterdir())
    assert host.name == HOST_MIGRATION
    return ours


def applied(database: Database) -> list[str]:
    """Return the versions that the CLI has recorded."""
    with database.connect() as connection:
        rows = connection.execute(
            "select version from supabase_migrations.schema_migrations order by 1"
        ).fetchall()
    return [version for (version,) in rows]


def test_push_makes_what_install_makes(
    server: Hosted, database: Database, project: Project, export: Path
) -> None:
    done = project.push(database)
    assert done.returncode == 0, done
    with database.connect() as connection:
        found = {line for line in catalog(connection) if "supabase_migrations" not in line}
    other = server.database()
    with other.connect() as connection:
        connection.execute((project.migrations / HOST_MIGRATION).read_bytes())
        install.install(connection)
        assert_same_catalog(found, catalog(connection))
    with database.connect() as connection:
        assert install.make_plan(connection).migrations == ()
        assert connection.execute("select current_user").fetchone() == (OWNER,)
        site = Installation(connection)
        version = site.texts(1)[0]
        assert site.covered(version) == 2
        assert_right(connection)


def test_the_list_shows_it_and_a_second_export_and_push_add_nothing(
    database: Database, project: Project, export: Path
) -> None:
    assert project.push(database).returncode == 0
    listed = project.supabase("migration", "list", "--db-url", database.cli_url)
    assert listed.returncode == 0, listed
    stamp = export.name.split("_")[0]
    for version in (HOST_MIGRATION.split("_")[0], stamp):
        assert len(re.findall(rf"\b{version}\b", listed.stdout)) == 2, listed.stdout
    files = {path: path.read_text() for path in project.migrations.iterdir()}
    again = CommandLine(None)("export", "supabase", "--out", project.migrations).assert_done()
    assert "nothing to add" in again.out
    assert {path: path.read_text() for path in project.migrations.iterdir()} == files
    before = applied(database)
    assert project.push(database).returncode == 0
    assert applied(database) == before == [HOST_MIGRATION.split("_")[0], stamp]


def test_an_upgrade_is_pushed_over_data(
    database: Database, project: Project, export: Path, tmp_path: Path
) -> None:
    assert project.push(database).returncode == 0
    with database.connect() as connection:
        site = Installation(connection)
        first, second = site.texts(2)
        site.touch(first)
        newer = NewerPackage(tmp_path / "newer", BREAKING)
        newer(database.url, "export", "supabase", "--out", project.migrations).assert_done()
        [_, _, upgrade] = sorted(project.migrations.iterdir())
        assert "create table progress.settings" not in upgrade.read_text()
        done = project.push(database)
        assert done.returncode == 0, done
        assert site.value("select package_version from progress.settings") == VERSION
        assert site.value("select oldest_code from progress.settings") > 1
        # What was stored stays, what waited waits.
        assert (site.covered(first), site.covered(second)) == (2, 2)
        assert site.queued() == 1
        site.drain()
        assert site.covered(first) == 3
    older = CommandLine(database.url)
    older("refresh").assert_refused(12, VERSION)
    older("export", "supabase", "--out", project.migrations).assert_refused(7, "newer")


def test_a_database_that_lacks_something_is_refused_whole(
    database: Database, project: Project, export: Path
) -> None:
    host = project.migrations / HOST_MIGRATION
    host.write_text(host.read_text() + "alter table media_files drop column check_status;\n")
    done = project.push(database)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "column public.media_files.check_status is missing" in said
    assert applied(database) == [HOST_MIGRATION.split("_")[0]]
    with database.connect() as connection:
        assert connection.execute("select to_regnamespace('progress')").fetchone() == (None,)


WAITING = (
    "select pid from pg_stat_activity where datname = current_database()"
    " and wait_event_type = 'Lock' and pid <> pg_backend_pid()"
)
WORKING = "select from pg_stat_activity where pid = %s and state <> 'idle'"


@pytest.mark.parametrize("killed", ["the program", "its session"])
def test_a_push_that_is_killed_leaves_nothing_half_done_and_can_be_repeated(
    database: Database, project: Project, export: Path, killed: str
) -> None:
    content = export.read_text()
    export.unlink()
    assert project.push(database).returncode == 0
    export.write_text(content)
    with database.connect() as writer, psycopg.connect(database.admin_url) as observer:
        observer.autocommit = True
        before = catalog(observer)
        with writer.transaction():
            # It waits for this, half of its statements done.
            writer.execute("insert into users default values")
            with project.started("db", "push", "--yes", "--db-url", database.cli_url) as process:
                assert soon(lambda: observer.execute(WAITING).fetchone(), 60)
                pushing = observer.execute(WAITING).fetchone()
                if killed == "the program":
                    process.kill()
                else:
                    observer.execute(f"select pg_terminate_backend(pid) from ({WAITING}) as w")
                assert process.wait(60) != 0
        assert soon(lambda: observer.execute(WORKING, pushing).fetchone() is None)
        # A program that has sent everything need not live on: then it is all there.
        is_there = observer.execute("select to_regclass('progress.status') is not null").fetchone()
        assert is_there == (export.name.split("_")[0] in applied(database),)
        if is_there != (True,):
            assert_same_catalog(catalog(observer), before)
        assert killed == "the program" or is_there == (False,)
        done = project.push(database)
        assert done.returncode == 0, done
        assert install.make_plan(writer).migrations == ()


def test_its_linter_finds_nothing_to_warn_of(
    database: Database, project: Project, export: Path
) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        try:
            admin.execute("create extension plpgsql_check")
        except psycopg.errors.FeatureNotSupported:
            pytest.skip("no server with plpgsql_check (Debian: postgresql-15-plpgsql-check)")
    assert project.push(database).returncode == 0
    done = project.supabase(
        "db", "lint", "--db-url", database.cli_url, "--level", "warning", "--output", "json"
    )
    assert done.returncode == 0, done
    found = [
        (function["function"], issue["message"])
        for function in json.loads(done.stdout or "[]")
        for issue in function["issues"]
        # "warning extra" are guesses about columns that dynamic statements fill.
        if issue["level"] in ("error", "warning")
    ]
    assert found == []
