"""A database of any release, with data, becomes what a fresh installation is, and loses nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

import keep_release
from acceptance.installation import Installation
from bible_progress import sql
from bible_progress.installing import export, install, schema, uninstall
from bible_progress.rollout import moves as rollout
from schema.catalog import assert_same_catalog, catalog
from support import oracle
from upgrades.newer_package import BREAKING, HARMLESS, RENAMING, VERSION, NewerPackage

# Every release that was kept, on each step of the rollout, and this one as it would be.
KEPT = [
    (release, step)
    for release in [*sorted(path.stem for path in keep_release.FOLDER.glob("*.sql")), None]
    for step in schema.STEPS
]
NAMES = [f"{release or 'this'} on step {step}" for release, step in KEPT]

Newer = Callable[[str], NewerPackage]


def text_of(release: str | None, step: int = schema.INCREMENTAL) -> str:
    if release is None:
        return export.render(step=step)
    kept = keep_release.FOLDER / f"{release}.sql"
    return keep_release.text_of(kept.read_text(encoding="utf-8"), step)


def apply(connection: Connection[Any], release: str | None, step: int = schema.INCREMENTAL) -> None:
    """Make an installation of a release."""
    if release == "0.1.0-main" and step < 3 and connection.info.server_version < 160000:
        pytest.skip("that state did not install on PostgreSQL 15 without stored relations")
    connection.execute(text_of(release, step).encode())


def stored(site: Installation) -> list[tuple[Any, ...]]:
    """Return every number that is stored, and what waits."""
    return [
        row
        for table in (
            "progress.chapter_bitmap",
            "progress.book_rollup",
            "progress.version_history",
            "public.progress_refresh_dead_letter",
            "public.progress_refresh_queue",
        )
        for row in site.rows(
            f"select (to_jsonb(t) - 'failing_since' - 'id')::text from {table} as t order by 1"
        )
    ]


def fill(site: Installation) -> UUID:
    """Make texts and a recording: drained, waiting, failing and dead; return one that waits."""
    dirty, failing, dead, _ = site.texts(4)
    site.world.recording(site.world.audio_version(), start="gen-1-2", end="exod-1-1")
    site.drain()
    site.bury(dead)
    site.run("update progress.settings set backoff_base = '3 s'")
    site.touch(failing)
    site.fail_drains_of(failing)
    site.rows("select progress.drain_version('text', %s)", failing)
    site.stop_failing()
    site.touch(dirty)
    return dirty


def assert_nothing_lost(site: Installation, dirty: UUID) -> None:
    assert site.value("select backoff_base::text from progress.settings") == "00:00:03"
    assert (site.covered(dirty), site.dead()) == (2, 1)
    assert len(site.rows("select from progress.failure")) == 1
    oracle.assert_promises(site.connection)
    site.run("update progress.failure set next_attempt_at = now()")
    site.rows("select progress.retry_dead_letters(null)")
    site.drain()
    assert site.covered(dirty) == 3
    oracle.assert_same(site.connection)


@pytest.mark.parametrize("release", dict.fromkeys(release for release, _ in KEPT))
def test_an_upgrade_from_every_release_loses_nothing(
    empty_database: str, release: str | None
) -> None:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(text_of(release).encode())
        site = Installation(connection)
        dirty = fill(site)
        before = stored(site)
        install.install(connection)
        # What it was made of is not known of an earlier one, and so every version is queued.
        assert [row for row in before if row not in stored(site)] == []
        assert (stored(site) == before) == (release is None)
        # What may have changed lately is known of versions that an earlier release has counted.
        missed = site.rows(
            "select from progress.version_rollup as r where r.changed_at is null and exists"
            " (select from progress.version_history as h where h.version_id = r.version_id)"
        )
        assert missed == [] or release is None
        assert_nothing_lost(site, dirty)


@pytest.mark.parametrize(("release", "step"), KEPT, ids=NAMES)
def test_every_release_becomes_what_this_one_installs(
    empty_database: str, database: str, release: str | None, step: int
) -> None:
    with (
        psycopg.connect(empty_database, autocommit=True) as connection,
        psycopg.connect(database, autocommit=True) as fresh,
    ):
        apply(connection, release, step)
        site = Installation(connection)
        site.texts(2, drained=False)
        refresh(site, step)
        install.install(connection)
        rollout.move(fresh, step)
        assert_same_catalog(catalog(connection), catalog(fresh))
        refresh(site, step)
        oracle.assert_same(connection)


def refresh(site: Installation, step: int) -> None:
    """Do what keeps the numbers of a step fresh."""
    if step >= schema.TRIGGERS:
        site.drain()
    else:
        site.rows(
            "select progress.refresh_materialized_views(k) from unnest('{audio,text}'::text[]) k"
        )


@pytest.mark.parametrize(("release", "step"), KEPT, ids=NAMES)
def test_what_waits_for_its_upgrade_can_be_uninstalled(
    empty_database: str, release: str | None, step: int
) -> None:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(sql.read("host/host_tables.sql").encode())
        before = catalog(connection)
        apply(connection, release, step)
        uninstall.uninstall(connection)
        assert_same_catalog(catalog(connection), before)


@pytest.mark.parametrize(("release", "step"), KEPT, ids=NAMES)
def test_a_kept_release_is_as_it_was_and_so_are_its_migrations(
    release: str | None, step: int
) -> None:
    text = text_of(release, step)
    assert export.is_whole(text)
    if release is not None:
        version, _, _ = release.partition("-")
        assert text.startswith(f"-- Bible Progress {version}: a new installation")
    applied = re.findall(r"values \('(migrations/\w+\.sql)', '([0-9a-f]{64})'\);", text)
    assert applied
    for path, checksum in applied:
        assert schema.checksum(path) == checksum, f"{path} was released: add another instead"


def test_a_release_is_kept_as_it_is_exported() -> None:
    texts = {step: export.render(step=step) for step in schema.STEPS}
    kept = keep_release.merge(texts)
    assert {step: keep_release.text_of(kept, step) for step in schema.STEPS} == texts
    assert len(kept) < 2 * len(texts[schema.INCREMENTAL])


@pytest.mark.parametrize(
    ("migration", "way"),
    [
        pytest.param(HARMLESS, "export", id="harmless-export"),
        pytest.param(HARMLESS, "export of all", id="harmless-export of all"),
        pytest.param(HARMLESS, "install", id="harmless-install"),
        pytest.param(BREAKING, "install", id="breaking-install"),
        pytest.param(RENAMING, "export", id="renaming-export"),
    ],
)
def test_a_later_release_upgrades_this_one(
    site: Installation,
    database: str,
    empty_database: str,
    newer: Newer,
    tmp_path: Path,
    migration: str,
    way: str,
) -> None:
    package = newer(migration)
    dirty = fill(site)
    before = stored(site)
    if way == "install":
        package(database, "install").assert_done()
    else:
        flags = ("--from", "0.1.0") if way == "export" else ()
        folder = tmp_path / "migrations"
        package(database, "export", "supabase", "--out", folder, *flags).assert_done()
        [file] = folder.iterdir()
        assert ("create table progress.settings" in file.read_text()) == (way != "export")
        site.connection.execute(file.read_bytes())
        site.connection.execute(file.read_bytes())
    package(empty_database, "install").assert_done()
    with psycopg.connect(empty_database) as fresh:
        assert_same_catalog(catalog(site.connection), catalog(fresh))
        query = "select name, checksum from progress.migration order by 1"
        assert site.rows(query) == fresh.execute(query).fetchall()
    assert site.value("select package_version from progress.settings") == VERSION
    newest = len(schema.migrations()) + 1
    oldest = 1 if migration == HARMLESS else newest
    assert site.rows("select schema_version, oldest_code from progress.settings") == [
        (newest, oldest)
    ]
    assert stored(site) == before
    if migration != RENAMING:
        assert_nothing_lost(site, dirty)


@pytest.mark.parametrize("strategy", ["views", "matview"])
def test_other_strategies_are_upgraded_too(
    empty_database: str, database: str, newer: Newer, strategy: str
) -> None:
    package = newer(HARMLESS)
    with (
        psycopg.connect(empty_database, autocommit=True) as connection,
        psycopg.connect(database, autocommit=True) as fresh,
    ):
        install.install(connection, strategy=strategy)
        Installation(connection).texts(2, drained=False)
        package(empty_database, "install").assert_done()
        uninstall.uninstall(fresh)
        package(database, "install", "--strategy", strategy).assert_done()
        assert_same_catalog(catalog(connection), catalog(fresh))


def test_an_upgrade_waits_for_nobody_who_reads_two_of_our_tables(
    site: Installation, database: str, newer: Newer
) -> None:
    """A reader that holds one table and comes to another must not meet us the other way round."""
    package = newer(
        "lock table progress.worker in access exclusive mode;\n"
        "lock table progress.failure in access exclusive mode;\n"
    )
    site.texts(1)
    with psycopg.connect(database) as reader:
        reader.execute("select from progress.failure")
        # While it holds that one the upgrade gets neither, so that the reader comes through.
        refused = package(database, "install", "--lock-timeout", "1")
        refused.assert_refused(5, "kept the tables busy")
        reader.execute("select from progress.worker")
    package(database, "install").assert_done()
