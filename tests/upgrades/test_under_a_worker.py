"""A database is upgraded while an older worker drains it and writers write."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from acceptance.command_line import CommandLine, finish, soon
from acceptance.installation import BLOCKED_DRAIN, Installation, held
from acceptance.worker_process import WorkerProcess
from bible_progress.engine.drain import Drainer
from bible_progress.models import Due
from support import oracle
from upgrades.newer_package import BREAKING, HARMLESS, RENAMING, VERSION, NewerPackage
from upgrades.test_upgrades import KEPT, apply

Newer = Callable[[str], NewerPackage]

MISMATCH = 12
QUICK = ("--idle-seconds", "0.02")
VERSIONS, VERSES = 6, 40
# What an upgrade that breaks older code leaves for it to find.
MISFIT = (
    "update progress.settings set schema_version = schema_version + 1,"
    " oldest_code = schema_version + 1, package_version = %s"
)
WAITING_UPGRADE = "select from pg_locks where locktype = 'advisory' and not granted"


class Writers:
    """Threads that each add verses to a text of its own, one transaction a verse, until stopped."""

    def __init__(self, database: str, versions: list[UUID]) -> None:
        self._database = database
        self._over = threading.Event()
        self.errors: list[str] = []
        self.written: dict[UUID, int] = dict.fromkeys(versions, 0)
        self._threads = [threading.Thread(target=self._write, args=(v,)) for v in versions]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _write(self, version: UUID) -> None:
        try:
            with psycopg.connect(self._database, autocommit=True) as connection:
                while not self._over.is_set():
                    number = self.written[version] % VERSES + 1
                    connection.execute(
                        "insert into verse_texts (text_version_id, verse_id, verse_text)"
                        " values (%s, %s, 'Words.') on conflict (text_version_id, verse_id)"
                        " do update set verse_text = case when verse_texts.verse_text = ''"
                        " then 'Words.' else '' end",
                        [version, f"gen-1-{number}"],
                    )
                    self.written[version] += 1
        except psycopg.Error as error:
            self.errors.append(str(error))
            self._over.set()


def texts(site: Installation) -> list[UUID]:
    site.world.canon("eng", {"gen": (VERSES, 3)})
    return [site.world.text_version(name=f"Text {n}") for n in range(VERSIONS)]


def assert_ended(worker: WorkerProcess) -> None:
    """Assert that a worker ended by itself, said why and what to do, and failed at nothing."""
    assert worker.process.wait(timeout=240) == MISMATCH
    log = worker.log.read_text()
    assert log.count(f"bible-progress: this database was upgraded to Bible Progress {VERSION}") == 1
    assert f"Install the package in version {VERSION}" in log
    assert "Traceback" not in log
    assert "drain failed" not in log


@pytest.mark.parametrize("migration", [BREAKING, RENAMING], ids=["marked", "renaming"])
def test_an_older_worker_stops_and_nothing_is_lost(
    cli: CommandLine,
    site: Installation,
    database: str,
    newer: Newer,
    tmp_path: Path,
    migration: str,
) -> None:
    package = newer(migration)
    versions = texts(site)
    with Writers(database, versions) as writers, WorkerProcess(cli, tmp_path, *QUICK) as worker:
        assert soon(lambda: len(site.rows("select from progress.version_rollup")) == VERSIONS)
        package(database, "install").assert_done()
        assert_ended(worker)
        before = dict(writers.written)
        assert soon(lambda: all(writers.written[v] > before[v] for v in versions))
    assert writers.errors == []
    assert site.rows("select from progress.failure") == []
    assert site.dead() == 0
    # The later release takes over what the older one left.
    assert site.queued() > 0
    package(database, "refresh").assert_done()
    assert site.queued() == 0
    oracle.assert_same(site.connection)
    counted = site.rows(
        "select r.version_id, r.covered_verses, count(t.id) filter (where t.verse_text <> '')"
        " from progress.version_rollup as r left join verse_texts as t"
        " on t.text_version_id = r.version_id group by r.version_id, r.covered_verses"
    )
    assert len(counted) == VERSIONS
    assert [stored for _, stored, _ in counted] == [live for _, _, live in counted]


def test_an_older_worker_goes_on_where_it_can(
    cli: CommandLine, site: Installation, database: str, newer: Newer, tmp_path: Path
) -> None:
    versions = texts(site)
    with Writers(database, versions) as writers, WorkerProcess(cli, tmp_path, *QUICK) as worker:
        assert soon(lambda: len(site.rows("select from progress.version_rollup")) == VERSIONS)
        newer(HARMLESS)(database, "install").assert_done()
        assert site.value("select package_version from progress.settings") == VERSION
        before = dict(writers.written)
        assert soon(lambda: all(writers.written[v] > before[v] for v in versions))
        writers.__exit__()
        assert soon(lambda: site.queued() == 0)
        oracle.assert_same(site.connection)
        assert worker.process.poll() is None
        worker.stop()
        assert worker.process.returncode == 0
        assert {e["level"] for e in worker.events()} == {"INFO"}
    assert writers.errors == []
    assert site.rows("select from progress.failure") == []


def test_an_idle_worker_notices_too(
    cli: CommandLine, database: str, newer: Newer, tmp_path: Path
) -> None:
    with WorkerProcess(cli, tmp_path, *QUICK) as worker:
        newer(BREAKING)(database, "install").assert_done()
        assert_ended(worker)


@pytest.mark.parametrize("migration", [BREAKING, RENAMING], ids=["marked", "renaming"])
def test_a_drain_that_runs_is_finished_before_the_upgrade_and_none_follows(
    cli: CommandLine,
    site: Installation,
    database: str,
    newer: Newer,
    tmp_path: Path,
    migration: str,
) -> None:
    package = newer(migration)
    held_version, *others = site.texts(6)
    flags = (*QUICK, "--concurrency", "1")
    with (
        psycopg.connect(database, autocommit=True) as connection,
        WorkerProcess(cli, tmp_path, *flags) as worker,
    ):
        observer = Installation(connection)
        done: list[int] = []
        upgrade = threading.Thread(
            target=lambda: done.append(package(database, "install").code), daemon=True
        )
        with held(site.connection, held_version):
            # In one transaction, so that the worker meets all of them at once.
            with connection.transaction():
                for version in (held_version, *others):
                    observer.touch(version)
            assert soon(lambda: observer.rows(BLOCKED_DRAIN))
            # Some may have come before the one that is held.
            before = {version: observer.covered(version) for version in others}
            upgrade.start()
            assert soon(lambda: observer.rows(WAITING_UPGRADE))
            assert worker.process.poll() is None
        upgrade.join(240)
        assert done == [0]
        assert_ended(worker)
    # By the older worker: no other has run.
    assert site.covered(held_version) == 3
    assert {version: site.covered(version) for version in others} == before
    assert site.queued() == list(before.values()).count(2) > 0
    assert site.rows("select from progress.failure") == []


def test_a_drain_that_asked_before_an_upgrade_and_began_after_it_is_undone(
    site: Installation, database: str
) -> None:
    [version] = site.texts(1)
    site.touch(version)
    due = Due(kind="text", version_id=version, oldest_at=datetime.now(UTC))
    with (
        psycopg.connect(database) as upgrade,
        psycopg.connect(database, autocommit=True) as connection,
        ThreadPoolExecutor() as threads,
    ):
        # What a drain reads between asking and beginning.
        upgrade.execute("lock table progress.failure in access exclusive mode")
        upgrade.execute(MISFIT, [VERSION])
        drain = threads.submit(Drainer(connection).drain, due)
        assert soon(lambda: site.rows(BLOCKED_DRAIN))
        upgrade.commit()
        with pytest.raises(psycopg.Error) as refused:
            drain.result(240)
    assert refused.value.sqlstate == "BP010"
    assert site.covered(version) == 2
    assert site.queued() == 1


def test_a_worker_whose_functions_are_gone_connects_anew_instead_of_going_through_all(
    cli: CommandLine, site: Installation, database: str, tmp_path: Path
) -> None:
    first, *others = site.texts(4)
    for version in (first, *others):
        site.touch(version)
    with psycopg.connect(database, autocommit=True) as connection, ExitStack() as stack:
        observer = Installation(connection)
        with held(site.connection, first):
            flags = (*QUICK, "--concurrency", "1")
            worker = stack.enter_context(WorkerProcess(cli, tmp_path, *flags))
            assert soon(lambda: observer.rows(BLOCKED_DRAIN))
            observer.run("alter function progress.drain_version rename to drain_one")
        assert soon(lambda: worker.said("trying again"))
        observer.run(MISFIT, VERSION)
        assert_ended(worker)
        said = [json.loads(line) for line in worker.log.read_text().splitlines() if "{" in line]
        pauses = [e["pause_seconds"] for e in said if e.get("loop") == "drain-0"]
        # It goes on to the next version without a pause, and connects anew after one.
        without_pause = [len([*run]) for pause, run in groupby(pauses) if pause == 0]
        assert max(without_pause, default=0) < len(others), pauses
    assert site.queued() == len(others)


def test_older_commands_refuse_at_once(
    cli: CommandLine, site: Installation, database: str, newer: Newer
) -> None:
    [version] = site.texts(1)
    newer(BREAKING)(database, "install").assert_done()
    site.touch(version)
    for command in (("worker",), ("refresh",), ("serve", "--port", "0")):
        cli(*command).assert_refused(MISMATCH, VERSION)
    assert site.queued() == 1


@pytest.mark.parametrize(
    "command",
    [
        ("worker",),
        ("serve", "--port", "0"),
        ("refresh",),
        ("refresh", "--all"),
        ("refresh", "--version", UUID(int=0)),
        ("verify",),
        ("verify", "--repair"),
        ("status",),
        ("dead-letter", "list"),
        ("dead-letter", "retry", "--all"),
        ("dead-letter", "discard", UUID(int=0)),
        ("suspend",),
        ("rollout", "back"),
    ],
    ids=lambda command: " ".join(map(str, command)),
)
def test_what_waits_for_its_upgrade_is_told_so(
    empty_database: str, command: tuple[object, ...]
) -> None:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        apply(connection, KEPT[0][0])
        CommandLine(empty_database)(*command).assert_refused(MISMATCH, "bible-progress install")


def test_a_later_worker_asks_for_the_upgrade_first(
    site: Installation, database: str, newer: Newer
) -> None:
    package = newer(HARMLESS)
    [version] = site.texts(1)
    site.touch(version)
    for command in (("worker",), ("refresh",)):
        package(database, *command).assert_refused(MISMATCH, "bible-progress install")
    assert site.queued() == 1
    package(database, "install").assert_done()
    package(database, "refresh").assert_done()
    assert site.covered(version) == 3


def test_serve_ends_with_its_worker(
    cli: CommandLine, site: Installation, database: str, newer: Newer
) -> None:
    site.texts(1)
    with cli.started("serve", "--port", "0") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://")
        newer(BREAKING)(database, "install").assert_done()
        finish(process).assert_refused(MISMATCH, VERSION)
