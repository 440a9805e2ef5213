"""Whatever a database or a role sets, what we do works and no number changes.

Harmless settings share a case; what stops sessions or changes what they see has its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection, sql

from acceptance.command_line import soon
from acceptance.installation import BLOCKED_DRAIN, Installation, held
from bible_progress.cli import main
from bible_progress.installing import export, schema
from faults.worker_inside import count, worker
from support import oracle
from support.recount import assert_live_matches
from web.site import BEARER, SECRET, served

V1 = "/api/v1"
# Less than a drain of the test takes that makes it slow, more than a busy server needs for `begin`.
TIMEOUTS = {
    "statement_timeout": "200ms",
    "lock_timeout": "1ms",
    "transaction_timeout": "200ms",
    "idle_in_transaction_session_timeout": "200ms",
}
IDLE = {"idle_session_timeout": "1s"}
FORMATS = {
    "datestyle": "SQL, DMY",
    "intervalstyle": "sql_standard",
    "timezone": "<+0545>-05:45",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "xmlbinary": "hex",
    "lc_messages": "C",
    "client_min_messages": "debug1",
}
MEANINGS = {
    "standard_conforming_strings": "off",
    "escape_string_warning": "on",
    "backslash_quote": "off",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "quote_all_identifiers": "on",
    "row_security": "off",
    "check_function_bodies": "on",
    "plpgsql.extra_errors": "all",
    "plpgsql.variable_conflict": "use_variable",
    "plpgsql.check_asserts": "off",
    "search_path": "hostile, pg_catalog",
}
PLANS = {
    "enable_seqscan": "off",
    "enable_indexscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_nestloop": "off",
    "enable_sort": "off",
    "enable_hashagg": "off",
    "enable_material": "off",
    "from_collapse_limit": "1",
    "join_collapse_limit": "1",
    "jit": "on",
    "plan_cache_mode": "force_generic_plan",
    "work_mem": "64kB",
    "synchronous_commit": "off",
}
PARALLEL = {
    "parallel_setup_cost": "0",
    "parallel_tuple_cost": "0",
    "min_parallel_table_scan_size": "0",
    "constraint_exclusion": "on",
}
CASES: dict[str, dict[str, str]] = {
    "serializable": {
        "default_transaction_isolation": "serializable",
        "default_transaction_deferrable": "on",
    },
    "repeatable read": {"default_transaction_isolation": "repeatable read"},
    "read only": {"default_transaction_read_only": "on"},
    "read only and serializable": {
        "default_transaction_read_only": "on",
        "default_transaction_isolation": "serializable",
    },
    "timeouts": TIMEOUTS | {"client_encoding": "LATIN1"},
    "idle sessions": IDLE,
    "formats": FORMATS,
    "meanings": MEANINGS,
    "plans": PLANS,
    "parallel": PARALLEL,
}
# With these no session of a host can do anything either.
_OURS_ONLY = (*TIMEOUTS, *IDLE)


class Hostile:
    """A database without settings of its own, until `set` gives it some."""

    def __init__(self, url: str, site: Installation) -> None:
        self.url, self.site = url, site

    def set(self, settings: dict[str, str], owner: str) -> None:
        """Give them to the database, or to the role in it; sessions that are open stay."""
        known = {
            name for (name,) in self.site.rows("select name from pg_settings") if name in settings
        } | {name for name in settings if "." in name}
        if not known:
            pytest.skip(f"this server has no {', '.join(settings)}")
        name, role = self.site.rows("select current_database(), current_user")[0]
        who = {
            "database": sql.SQL("database {}").format(sql.Identifier(name)),
            "role": sql.SQL("role {} in database {}").format(
                sql.Identifier(role), sql.Identifier(name)
            ),
        }[owner]
        for setting in known:
            # A list of schemas, not the name of one.
            makes = sql.SQL if setting == "search_path" else sql.Literal
            self.site.connection.execute(
                sql.SQL("alter {} set {} = {}").format(
                    who,
                    sql.SQL(setting),  # type: ignore[arg-type]
                    makes(settings[setting]),  # type: ignore[arg-type]
                )
            )

    def run(self, *arguments: object, code: int = 0) -> None:
        """Run a command of ours in this process."""
        where = () if arguments[0] == "export" else ("--database-url", self.url)
        assert main([str(part) for part in (*arguments, *where)]) == code

    @contextmanager
    def session(self) -> Iterator[Connection[Any]]:
        """A session of the host, which may write where the database forbids it by default."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            yield connection


@pytest.fixture
def hostile(empty_database: str) -> Iterator[Hostile]:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        yield Hostile(empty_database, Installation(connection))


@pytest.fixture
def hostile_installed(database: str) -> Iterator[Hostile]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield Hostile(database, Installation(connection))


@pytest.mark.parametrize(
    ("case", "owner"),
    [(case, ("database", "role")[n % 2]) for n, case in enumerate(CASES)],
    ids=CASES,
)
def test_everything_works_and_no_number_changes(
    hostile: Hostile,
    case: str,
    owner: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = CASES[case]
    site = hostile.site
    site.run("create schema hostile")
    # What a name without a schema would find before PostgreSQL's own.
    site.run(
        "create function hostile.clock_timestamp() returns timestamptz language sql"
        " return timestamptz 'epoch';"
        "create function hostile.cardinality(text[]) returns int language sql return 7"
    )
    hostile.set(settings, owner)

    hostile.run("doctor")
    hostile.run("install")
    hostile.run("install", "--dry-run")
    versions = fill(site)
    hostile.run("refresh")
    assert {site.covered(version) for version in versions} == {2, 5}
    hostile.run("status")
    capsys.readouterr()
    hostile.run("status", "--json")
    assert json.loads(capsys.readouterr().out)["dirty_versions"] == 0

    touch(site, versions)
    with worker(hostile.url) as counted:
        assert soon(lambda: site.queued() == 0)
    assert count(counted, "reconnects_total") == 0
    site.assert_right()

    if not any(setting in _OURS_ONLY for setting in settings):
        by_the_host(hostile, versions)

    touch(site, versions)
    by_http(hostile, versions)
    hostile.run("verify")
    hostile.run("doctor")
    hostile.run("export", "supabase", "--out", tmp_path / "migrations")
    for way, step in (("back", 4), ("back", 3), ("apply", 5)):
        hostile.run("rollout", way, "--to", step)
    hostile.run("refresh")
    site.assert_right()
    hostile.run("uninstall", "--yes")
    assert site.rows("select from pg_namespace where nspname = 'progress'") == []


def fill(site: Installation) -> list[UUID]:
    site.world.canon()
    texts = [site.world.text_version(name=f"Текст {n}") for n in range(2)]
    audio = site.world.audio_version()
    for version in texts:
        site.world.text(version, ["gen-1-1", "exod-2-1"])
    site.world.recording(audio, chapter="gen-1")
    site.world.recording(audio, chapter="gen-2")
    return [*texts, audio]


def touch(site: Installation, versions: list[UUID]) -> None:
    """Change something of every kind: a text, a recording, the canon."""
    site.run("delete from verse_texts where verse_id = 'gen-1-2'")
    site.world.text(versions[0], ["gen-1-2"])
    site.run("update media_files set deleted_at = now() where chapter_id = 'gen-2'")
    site.run("update media_files set deleted_at = null where chapter_id = 'gen-2'")
    site.run("update books set book_number = book_number + 1")


def by_the_host(hostile: Hostile, versions: list[UUID]) -> None:
    """A host's own sessions: writers, readers, a scheduler."""
    site = hostile.site
    with hostile.session() as host:
        host.execute("call progress.drain()")
        host.execute("call progress.audit()")
    touch(site, versions)
    with hostile.session() as host:
        host.execute("call progress.drain()")
        assert site.queued() == 0
        assert site.rows("select from progress.unsettled_change") == []
        host.execute("call progress.audit(10)")
    site.assert_right()
    with hostile.session() as host:
        host.execute("set default_transaction_read_only = off")
        host.execute("set search_path = public, hostile, pg_catalog")
        touch(Installation(host), versions)
        with oracle.snapshot(host) as connection:
            oracle.assert_promises(connection)
            assert_live_matches(connection)
    for version in versions[:2]:
        query = "select public.progress_tree('text', %s)::text"
        with hostile.session() as host:
            there = host.execute(query, [version]).fetchone()
        assert there is not None
        seen, wanted = json.loads(there[0]), json.loads(site.value(query, version))
        for document in (seen, wanted):
            document.pop("as_of", None)
        assert seen == wanted


def by_http(hostile: Hostile, versions: list[UUID]) -> None:
    with served(hostile.url, secret=SECRET) as api:
        for path in (
            "/readyz",
            f"{V1}/versions",
            f"{V1}/languages",
            f"{V1}/versions/text/{versions[0]}/tree",
            f"{V1}/versions/text/{versions[0]}/gaps",
            f"{V1}/operations/queue",
            f"{V1}/operations/dead-letters",
            "/",
            "/operations",
        ):
            answer = api.get(path, headers=BEARER)
            assert answer.status_code == 200, (path, answer.text)
        assert "Текст 1" in api.get(f"{V1}/versions").text
        answer = api.post(f"{V1}/refresh", headers=BEARER, params={"seconds": 5})
        assert answer.json()["remaining"] == 0, answer.text


# What a session of the host can work with.
OF_THE_HOST = [
    case
    for case, settings in CASES.items()
    if not any(name in _OURS_ONLY for name in settings) and "read only" not in case
]


@pytest.mark.parametrize(
    ("case", "step"),
    [
        *((case, schema.INCREMENTAL) for case in OF_THE_HOST),
        # Materialized views beside them: what a snapshot sees, and how they are planned.
        ("serializable", schema.TRIGGERS),
        ("plans", schema.TRIGGERS),
    ],
)
def test_exported_migrations_and_schedulers_work_on_every_strategy(
    hostile: Hostile, case: str, step: int
) -> None:
    site = hostile.site
    site.run("create schema hostile")
    hostile.set(CASES[case], "database")
    for _ in range(2):
        with hostile.session() as host:
            host.execute(export.render(step=step).encode())
        versions = fill(site) if not site.value("select count(*) from books") else []
        for call in (
            "call progress.drain()",
            # A function cannot say this itself.
            "begin isolation level read committed; select public.progress_refresh(); commit",
        ):
            if versions:
                touch(site, versions)
            with hostile.session() as host:
                # Two rounds until a change of structure has settled, in transactions of their own.
                for _ in range(3):
                    host.execute(call.encode())
        assert site.rows("select last_error from progress.failure") == []
        assert site.queued() == 0
        site.assert_right()


def test_a_drain_takes_the_time_that_it_needs(
    database: str, hostile_installed: Hostile, connect: Callable[..., Connection[Any]]
) -> None:
    """It outlives every timeout, in a lock and in its own work, and a worker that idles goes on."""
    site = hostile_installed.site
    first, second = site.texts(2)
    site.run(
        "create function slow() returns trigger language plpgsql as $f$ begin"
        " perform pg_sleep(0.5); return new; end $f$"
    )
    site.run(
        "create trigger slow after insert or update on progress.version_rollup"
        " for each row execute function slow()"
    )
    holder = connect()
    hostile_installed.set(TIMEOUTS | IDLE, "database")
    with worker(database, audit_seconds=1.5) as counted:
        with held(holder, first):
            site.touch(first)
            site.touch(second)
            assert soon(lambda: site.rows(BLOCKED_DRAIN))
            assert soon(lambda: site.covered(second) == 3)
            assert soon(lambda: count(counted, "audited_total") > 0)
        assert soon(lambda: site.covered(first) == 3)
    assert site.rows("select from progress.failure") == []
    assert count(counted, "drains_total", kind="text", outcome="failed") == 0
    assert count(counted, "reconnects_total") == 0
