"""Bring a database to this package's schema, or take it out again, in one transaction each."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
from psycopg import Connection
from psycopg import errors as pg
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Composed, Identifier

from . import __version__, sql
from .db import translated
from .drain import guard, signal_all
from .errors import InstallRefused

OLDEST_SERVER = 150000
LOCK_TIMEOUT_SECONDS = 30.0
ATTEMPT_MILLISECONDS = 400

HOST_TABLES = (
    "users",
    "bible_versions",
    "books",
    "chapters",
    "verses",
    "language_entities",
    "audio_versions",
    "text_versions",
    "media_files",
    "media_files_verses",
    "verse_texts",
)
CONTRACT_TABLES = ("progress_refresh_queue", "progress_refresh_dead_letter")

_QUERIES = sql.queries("install")
_VIEW = re.compile(r"^create view (\w+)\.(\w+)$", re.MULTILINE)
_TRIGGER = re.compile(
    r"^create or replace trigger (\w+)\nafter \w+ on public\.(\w+)$", re.MULTILINE
)
_ROUTINE = re.compile(r"^create or replace (?:function|procedure) progress\.(\w+)", re.MULTILINE)
_TABLE = re.compile(r"^create table progress\.(\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an install would do to a database, found without changing it."""

    database: str
    server_version: str
    installed_version: str | None
    creates_host_tables: bool
    migrations: tuple[str, ...]
    objects: tuple[str, ...]
    signals_everything: bool
    advised_indexes: tuple[str, ...] = field(default=())

    def steps(self) -> Iterator[str]:
        """Yield one line for each thing that install does."""
        if self.creates_host_tables:
            yield f"create the {len(HOST_TABLES)} host tables in schema public"
        else:
            yield f"use the {len(HOST_TABLES)} host tables that are there (checked)"
        for name in self.migrations:
            yield f"apply {name}"
        yield f"create or replace {len(self.objects)} functions, views and trigger sets"
        yield "grant the contract to reader roles"
        if self.signals_everything:
            yield "queue every version for its first refresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What uninstall removed, and what it left."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]


def views() -> tuple[tuple[str, str], ...]:
    """Return (schema, name) of every view of ours, in the order in which they are made."""
    return tuple(match for path in _object_files() for match in _VIEW.findall(sql.read(path)))


def contract_views() -> tuple[str, ...]:
    """Return the names of our views in schema public."""
    return tuple(name for schema, name in views() if schema == "public")


def triggers() -> tuple[tuple[str, str], ...]:
    """Return (trigger, host table) for every trigger of ours."""
    return tuple(match for path in _object_files() for match in _TRIGGER.findall(sql.read(path)))


def routines() -> tuple[str, ...]:
    """Return the names of our functions and procedures in schema progress."""
    return tuple(match for path in _object_files() for match in _ROUTINE.findall(sql.read(path)))


def make_plan(connection: Connection[Any], *, readers: Sequence[str] = ()) -> Plan:
    """Check the database and say what install would do; nothing is changed.

    Raises InstallRefused with every reason at once if install cannot proceed.
    """
    with translated(), _rows(connection) as run:
        server = run("server")[0]
        _refuse_server(server)
        installed = bool(run("is_installed")[0]["installed"])
        if installed:
            _refuse_newer(run("settings")[0])
            _refuse_other_owner(run)
        strangers = run(
            "contract_strangers",
            installed=installed,
            views=list(contract_views()),
            tables=list(CONTRACT_TABLES),
        )
        if strangers:
            raise InstallRefused(
                "names that Bible Progress needs are taken: "
                + ", ".join(row["stranger"] for row in strangers),
                hint="Rename or drop them; nothing was changed.",
            )
        missing_roles = run("missing_roles", roles=list(readers))
        if missing_roles:
            raise InstallRefused(
                "no such role: " + ", ".join(row["role"] for row in missing_roles),
                hint="Create the reader roles first.",
            )
        host_present = bool(run("host_tables_present", tables=list(HOST_TABLES)))
        advised: tuple[str, ...] = ()
        if host_present:
            _refuse_host(run)
            advised = tuple(row["statement"] for row in run("advised_indexes"))
        applied = (
            {row["name"]: row["checksum"] for row in run("applied_migrations")} if installed else {}
        )
        working = run("working_triggers")[0]["working"]
        return Plan(
            database=server["database"],
            server_version=server["version"],
            installed_version=run("settings")[0]["package_version"] if installed else None,
            creates_host_tables=not host_present,
            migrations=tuple(_pending(applied)),
            objects=_object_files(),
            # Triggers that were off may have missed changes.
            signals_everything=not installed or working < len(triggers()),
            advised_indexes=advised,
        )


def install(
    connection: Connection[Any],
    *,
    environment: str | None = None,
    readers: Sequence[str] | None = None,
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
    automated: bool = False,
    override: str | None = None,
) -> Plan:
    """Install or upgrade in one transaction and return what was done.

    `environment` and `readers` are kept from the last install where None. Waits for another
    install; waits at most `lock_timeout_seconds` for writers of the host tables, because creating
    triggers needs a moment without them. Raises InstallRefused; then nothing has changed. Raises
    GuardRefused where `environment` would end production by hand without an `override` reason.
    """
    with translated(), connection.transaction(), connection.cursor() as cursor:
        cursor.execute(_QUERIES["lock"])
        plan = make_plan(connection, readers=readers or ())
        if plan.installed_version and environment == "development":
            guard(connection, "ending production", automated=automated, reason=override)
        if plan.creates_host_tables:
            cursor.execute(sql.read("host/host_tables.sql"))
        _take_over(connection, lock_timeout_seconds)
        for path in plan.migrations:
            cursor.execute(sql.read(path))
            cursor.execute(
                _QUERIES["record_migration"], {"name": path, "checksum": _checksum(path)}
            )
        cursor.execute(
            _QUERIES["save_settings"],
            {
                "schema_version": len(_migration_files()),
                "package_version": __version__,
                "environment": environment,
                "owns_host_tables": plan.creates_host_tables,
                "reader_roles": None if readers is None else list(readers),
            },
        )
        for path in (*plan.objects, "grants.sql"):
            cursor.execute(sql.read(path))
        if plan.signals_everything:
            signal_all(connection)
    return plan


def uninstall(
    connection: Connection[Any], *, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS
) -> Removal:
    """Remove what install made, in one transaction.

    Host tables stay unless install made them and they are empty. Raises InstallRefused if objects
    of the host depend on ours; then nothing has changed.
    """
    removed: list[str] = []
    kept: list[str] = []
    with translated(), connection.transaction(), _rows(connection) as run:
        run("lock")
        if not run("is_installed")[0]["installed"]:
            return Removal(removed=(), kept=())
        _refuse_other_owner(run)
        owns_host_tables = run("settings")[0]["owns_host_tables"]
        tables = [name for path in _migration_files() for name in _TABLE.findall(sql.read(path))]
        ours = _list("public", CONTRACT_TABLES), _list("progress", tables)
        _take_over(connection, lock_timeout_seconds, ours=ours)
        removed.append(f"{len(views())} views")
        with connection.cursor() as cursor:
            for name, table in triggers():
                cursor.execute(
                    SQL("drop trigger if exists {} on {}").format(
                        Identifier(name), Identifier("public", table)
                    )
                )
            removed.append(f"{len(triggers())} triggers")
            # By name and without cascade: what the host put beside or on top is an error.
            try:
                cursor.execute(SQL("drop routine {}").format(_list("progress", routines())))
                cursor.execute(SQL("drop table {}").format(_list("public", CONTRACT_TABLES)))
                removed.append("the queue and the dead letters")
                cursor.execute(SQL("drop table {}").format(_list("progress", tables)))
                cursor.execute("drop schema progress")
            except pg.DependentObjectsStillExist as error:
                raise _dependents(error) from error
            removed.append("schema progress with the rollups and the history")
        # Asked only now that no writer can come in between.
        if owns_host_tables and not run("rows_in_host_tables")[0]["has_rows"]:
            try:
                with connection.transaction(), connection.cursor() as cursor:
                    cursor.execute(SQL("drop table {}").format(_list("public", HOST_TABLES)))
                removed.append(f"{len(HOST_TABLES)} empty host tables that install made")
            except pg.DependentObjectsStillExist:
                kept.append(f"{len(HOST_TABLES)} host tables, which others refer to")
        else:
            kept.append(
                f"{len(HOST_TABLES)} host tables, "
                + ("which hold data" if owns_host_tables else "which were there before")
            )
    return Removal(removed=tuple(removed), kept=tuple(kept))


def _take_over(
    connection: Connection[Any], seconds: float, *, ours: Sequence[Composed] = ()
) -> None:
    """Lock the host tables against writers and drop our views, within `seconds`.

    `ours` are lists of tables to lock against everybody: a drain that holds one could wait for a
    view otherwise, while we wait for that table.

    Locks are taken in short attempts that give everything back: a writer that waits for one of
    them while we wait for another of its own must never be the one that the server aborts, which
    it would do after a deadlock_timeout of a second.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute(_QUERIES["set_lock_timeout"], {"milliseconds": ATTEMPT_MILLISECONDS})
                cursor.execute(
                    SQL("lock table {} in share row exclusive mode").format(
                        _list("public", HOST_TABLES)
                    )
                )
                if ours:
                    cursor.execute(
                        SQL("lock table {} in access exclusive mode").format(SQL(", ").join(ours))
                    )
                _drop_views(cursor)
            break
        except pg.LockNotAvailable as error:
            if time.monotonic() > until:
                raise InstallRefused(
                    f"other sessions kept the tables busy for {seconds:g} s; nothing was changed",
                    hint="Try again at a quieter moment, or give a longer --lock-timeout.",
                ) from error
            time.sleep(0.1)


def _drop_views(cursor: psycopg.Cursor[Any]) -> None:
    # Without cascade, so that a view of the host on ours is an error and not a loss.
    try:
        for schema, name in reversed(views()):
            cursor.execute(SQL("drop view if exists {}").format(Identifier(schema, name)))
    except pg.DependentObjectsStillExist as error:
        raise _dependents(error) from error


def _list(schema: str, names: Sequence[str]) -> Composed:
    return SQL(", ").join(Identifier(schema, name) for name in names)


def _dependents(error: psycopg.Error) -> InstallRefused:
    return InstallRefused(
        "objects of this database depend on Bible Progress: "
        + (error.diag.message_detail or str(error)).replace("\n", "; "),
        hint="Drop them first and recreate them afterwards; nothing was changed.",
    )


@contextmanager
def _rows(connection: Connection[Any]) -> Generator[Any]:
    with connection.cursor(row_factory=dict_row) as cursor:

        def run(name: str, **parameters: object) -> list[DictRow]:
            cursor.execute(_QUERIES[name], parameters)
            return cursor.fetchall()

        yield run


def _refuse_server(server: DictRow) -> None:
    if server["version_num"] < OLDEST_SERVER:
        raise InstallRefused(
            f"the server is PostgreSQL {server['version']}; 15 or newer is needed",
            hint="Upgrade the server.",
        )
    if server["encoding"] != "UTF8":
        raise InstallRefused(
            f"database {server['database']} is encoded in {server['encoding']}; UTF8 is needed",
            hint="Create a database with encoding UTF8.",
        )


def _refuse_newer(settings: DictRow) -> None:
    newer_schema = settings["schema_version"] > len(_migration_files())
    if newer_schema or _release(settings["package_version"]) > _release(__version__):
        raise InstallRefused(
            f"this database was installed by Bible Progress {settings['package_version']}, "
            f"which is newer than this one ({__version__})",
            hint="Upgrade the package: pip install --upgrade bible-progress",
        )


def _refuse_other_owner(run: Any) -> None:
    owner = run("owner")[0]
    if not owner["is_mine"]:
        raise InstallRefused(
            f"Bible Progress belongs to role {owner['name']} here; its workers would lose their "
            "rights if another role made its objects anew",
            hint=f"Connect as {owner['name']}.",
        )


def _refuse_host(run: Any) -> None:
    problems = [row["problem"] for row in run("host_problems")]
    if problems:
        raise InstallRefused(
            "the host tables are not what Bible Progress relies on: " + "; ".join(problems),
            hint="See docs/reference/host-tables.md for the columns.",
        )
    problems = [row["problem"] for row in run("host_uniqueness_problems")]
    if problems:
        raise InstallRefused(
            "; ".join(problems), hint="Remove the duplicates and create the unique index."
        )
    hidden = [row["table_name"] for row in run("host_row_security", tables=list(HOST_TABLES))]
    if hidden:
        role = run("server")[0]["role"]
        raise InstallRefused(
            f"row security hides rows of {', '.join(hidden)} from role {role}, so it could miss "
            "changes",
            hint="Install as the owner of the tables, or as a role with BYPASSRLS.",
        )


def _pending(applied: dict[str, str]) -> Iterator[str]:
    for path in _migration_files():
        if path not in applied:
            yield path
        elif applied[path] != _checksum(path):
            raise InstallRefused(
                f"{path} differs from the one that this database was made with",
                hint="Migrations are never edited after a release; reinstall the package.",
            )


def _migration_files() -> tuple[str, ...]:
    return tuple(path for path in sql.manifest() if path.startswith("migrations/"))


def _object_files() -> tuple[str, ...]:
    return tuple(path for path in sql.manifest() if path.startswith("objects/"))


def _checksum(path: str) -> str:
    text: LiteralString = sql.read(path)
    return hashlib.sha256(text.encode()).hexdigest()


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
