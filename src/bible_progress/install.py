"""Bring a database to this package's schema in one transaction."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import Connection
from psycopg import errors as pg
from psycopg.rows import DictRow, dict_row, scalar_row, tuple_row
from psycopg.sql import SQL, Composed, Identifier

from . import __version__, schema, sql
from .db import translated
from .drain import guard, signal_all
from .errors import InstallRefused
from .schema import (
    CONTRACT_TABLES,
    GUARDED,
    HOST_TABLES,
    INCREMENTAL,
    LAST,
    OWNING_TABLES,
    ROLES,
    TRIGGERS,
    VIEWS,
    Name,
)

OLDEST_SERVER = 150000
LOCK_TIMEOUT_SECONDS = 30.0
ATTEMPT_MILLISECONDS = 400

# The step of the rollout that a new database starts on.
STRATEGIES = {"views": VIEWS, "matview": TRIGGERS, "incremental": INCREMENTAL}

_QUERIES = sql.queries("install")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an install would do to a database, found without changing it."""

    database: str
    server_version: str
    installed_version: str | None
    step: int
    creates_host_tables: bool
    migrations: tuple[str, ...]
    objects: tuple[str, ...]
    signals_everything: bool
    creates_roles: tuple[str, ...] = field(default=())
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
        for role in self.creates_roles:
            yield f"create role {role}, which nobody can log in as"
        yield "grant the contract to reader roles, drains and operations to progress_* roles"
        if self.signals_everything:
            yield "queue every version for its first refresh"


def make_plan(
    connection: Connection[Any],
    *,
    readers: Sequence[str] = (),
    strategy: str | None = None,
    create_roles: bool = False,
) -> Plan:
    """Check the database and say what install would do; nothing is changed.

    `strategy` is for a new database; `create_roles` makes those of ROLES that are missing. Raises
    InstallRefused with every reason at once if install cannot proceed.
    """
    with translated(), rows(connection) as run:
        server = run("server")[0]
        _refuse_server(server)
        installed = bool(run("is_installed")[0]["installed"])
        if installed:
            refuse_other_owner(run)
            settings = run("settings")[0]
            _refuse_newer(settings)
            step = settings["rollout_step"]
            _refuse_other_strategy(strategy, run("status_strategy")[0]["strategy"])
        else:
            step = STRATEGIES[strategy or "incremental"]
        strangers = run(
            "contract_strangers",
            installed=installed,
            views=list(schema.contract_views()),
            materialized=[name for _, name in schema.materialized_views(step)],
            tables=list(CONTRACT_TABLES),
            functions=[name for schema_name, name in schema.routines() if schema_name == "public"],
            owning=list(OWNING_TABLES),
        )
        if strangers:
            raise InstallRefused(
                "names that Bible Progress needs are taken: "
                + ", ".join(row["stranger"] for row in strangers),
                hint="Rename or drop them; nothing was changed.",
            )
        new_roles = _missing(run, ROLES) if create_roles else ()
        missing_readers = [name for name in _missing(run, readers) if name not in new_roles]
        if missing_readers:
            raise InstallRefused(
                "no such role: " + ", ".join(missing_readers), hint="Create the reader roles first."
            )
        if new_roles and not run("may_create_roles")[0]["is_allowed"]:
            raise InstallRefused(
                f"role {server['role']} may not create roles, and there is no "
                + ", ".join(new_roles),
                hint="Let an administrator create them ("
                + " ".join(f"create role {name} nologin;" for name in new_roles)
                + ") and install without --create-roles: those that are there are used.",
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
            step=step,
            creates_host_tables=not host_present,
            migrations=tuple(_pending(applied)),
            objects=schema.objects(step),
            # Triggers that were off may have missed changes.
            signals_everything=not installed or working < len(schema.triggers(step)),
            creates_roles=new_roles,
            advised_indexes=advised,
        )


def install(
    connection: Connection[Any],
    *,
    environment: str | None = None,
    readers: Sequence[str] | None = None,
    strategy: str | None = None,
    create_roles: bool = False,
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
    automated: bool = False,
    override: str | None = None,
) -> Plan:
    """Install or upgrade in one transaction and return what was done.

    `environment` and `readers` are kept from the last install where None; `strategy` is for a new
    database, `create_roles` for a server without those of ROLES. Waits for another install; waits
    at most `lock_timeout_seconds` for writers of the host tables, because creating triggers needs a
    moment without them. Raises InstallRefused; then nothing has changed. Raises GuardRefused where
    `environment` would end production by hand without an `override` reason.
    """
    with translated(), transaction(connection), connection.cursor() as cursor:
        hold_drains(connection, lock_timeout_seconds)
        plan = make_plan(
            connection, readers=readers or (), strategy=strategy, create_roles=create_roles
        )
        if plan.installed_version and environment == "development":
            guard(connection, "ending production", automated=automated, reason=override)
        if plan.creates_host_tables:
            cursor.execute(sql.read("host/host_tables.sql"))
        take_over(connection, lock_timeout_seconds, ours=_changing(cursor, plan))
        for path in plan.migrations:
            cursor.execute(sql.read(path))
            cursor.execute(
                _QUERIES["record_migration"], {"name": path, "checksum": schema.checksum(path)}
            )
        cursor.execute(
            _QUERIES["save_settings"],
            {
                "schema_version": len(schema.migrations()),
                "oldest_code": schema.oldest_code(),
                "package_version": __version__,
                "environment": environment,
                "rollout_step": plan.step,
                "owns_host_tables": plan.creates_host_tables,
                "reader_roles": None if readers is None else list(readers),
            },
        )
        if plan.creates_roles:
            cursor.execute(_QUERIES["create_roles"])
        make_objects(connection, plan.step)
        if plan.signals_everything:
            signal_all(connection)
        cursor.execute(_QUERIES["fill_where_empty"])
    return plan


def _changing(cursor: psycopg.Cursor[Any], plan: Plan) -> list[Composed]:
    """Our tables, where migrations may lock them: in their order, a reader of two may hold one."""
    tables = [("public", name) for name in CONTRACT_TABLES]
    tables += [("progress", name) for name in schema.tables()]
    there = present(cursor, tables, kind="r") if plan.migrations else []
    return [Composed([Identifier(*table)]) for table in sorted(there)]


def make_objects(connection: Connection[Any], step: int) -> None:
    """Make the objects of a step from source, where take_over has dropped the views."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERIES["defer_function_bodies"])
        for path in (*schema.objects(step), *LAST):
            text = sql.read(path)
            cursor.execute(text if step >= TRIGGERS else schema.without_triggers(text))
    reload_clients(connection)


@contextmanager
def transaction(connection: Connection[Any]) -> Generator[None]:
    """A transaction that objects of others stay out of, and out of what it makes."""
    with (
        connection.transaction(),
        connection.cursor(row_factory=scalar_row) as cursor,
    ):
        [before] = cursor.execute(_QUERIES["search_path"]).fetchall()
        cursor.execute(_QUERIES["pin_search_path"])
        yield
        cursor.execute(_QUERIES["set_search_path"], {"path": before})


def reload_clients(connection: Connection[Any]) -> None:
    """Tell PostgREST, once this transaction has committed, to look at the schema again."""
    connection.execute(_QUERIES["reload_schema"])


def hold_drains(connection: Connection[Any], seconds: float) -> None:
    """Wait until no drain and no other install runs, and keep them out of this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERIES["set_lock_timeout"], {"milliseconds": round(seconds * 1000)})
        try:
            cursor.execute(_QUERIES["lock"])
        except pg.LockNotAvailable as error:
            raise InstallRefused(
                f"a drain or another install ran for {seconds:g} s; nothing was changed",
                hint="Try again at a quieter moment, or give a longer --lock-timeout.",
            ) from error
        cursor.execute(_QUERIES["set_lock_timeout"], {"milliseconds": 0})


def take_over(
    connection: Connection[Any],
    seconds: float,
    *,
    ours: Sequence[Composed] = (),
    materialized_views: Sequence[Name] = (),
    triggers: Sequence[Name] = (),
) -> None:
    """Lock the host tables against writers and drop our views, within `seconds`.

    `ours` are lists of tables to lock against everybody, beside those whose policies are made
    anew; `materialized_views` and `triggers` go with the views: a reader of one could wait for a
    view otherwise, while we wait for the reader.

    Locks are taken in short attempts that give everything back: a writer that waits for one of
    them while we wait for another of its own must never be the one that the server aborts, which
    it would do after a deadlock_timeout of a second.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
                cursor.execute(_QUERIES["set_lock_timeout"], {"milliseconds": ATTEMPT_MILLISECONDS})
                cursor.execute(
                    SQL("lock table {} in share row exclusive mode").format(
                        names("public", HOST_TABLES)
                    )
                )
                guarded = present(cursor, [("progress", table) for table in GUARDED], kind="r")
                for tables in (*ours, *(Identifier(*table) for table in guarded)):
                    cursor.execute(SQL("lock table {} in access exclusive mode").format(tables))
                # They return rows of our views, which could not go before them.
                with without_dependents():
                    cursor.execute(_QUERIES["drop_relationships"])
                _drop(cursor, "v", schema.all_views())
                _drop(cursor, "m", materialized_views)
                for name, table in triggers:
                    cursor.execute(
                        SQL("drop trigger if exists {} on {}").format(
                            Identifier(name), Identifier("public", table)
                        )
                    )
            break
        except pg.LockNotAvailable as error:
            if time.monotonic() > until:
                raise InstallRefused(
                    f"other sessions kept the tables busy for {seconds:g} s; nothing was changed",
                    hint="Try again at a quieter moment, or give a longer --lock-timeout.",
                ) from error
            time.sleep(0.1)
    # The setting outlives the attempt. Nothing below should wait; if it does, then not for ever.
    connection.execute(_QUERIES["set_lock_timeout"], {"milliseconds": round(seconds * 1000)})


def _drop(cursor: psycopg.Cursor[Any], kind: str, wanted: Sequence[Name]) -> None:
    there = qualified(present(cursor, wanted, kind=kind))
    what = SQL("view" if kind == "v" else "materialized view")
    # Without cascade, so that a view of the host on ours is an error and not a loss; in one
    # statement, which finds the order itself.
    if there.as_string():
        with without_dependents():
            cursor.execute(SQL("drop {} {}").format(what, there))


def present(cursor: psycopg.Cursor[Any], wanted: Sequence[Name], *, kind: str) -> list[Name]:
    """Return which of these relations are there as `kind` (pg_class.relkind)."""
    cursor.execute(
        _QUERIES["relations"],
        {"schemas": [s for s, _ in wanted], "names": [n for _, n in wanted], "kind": kind},
    )
    return cursor.fetchall()


def names(schema: str, names: Sequence[str]) -> Composed:
    return qualified([(schema, name) for name in names])


def qualified(names: Sequence[Name]) -> Composed:
    return SQL(", ").join(Identifier(*name) for name in names)


@contextmanager
def without_dependents() -> Generator[None]:
    """Raise InstallRefused with their names where objects of the host lean on what is dropped."""
    try:
        yield
    except pg.DependentObjectsStillExist as error:
        raise InstallRefused(
            "objects of this database depend on Bible Progress: "
            + (error.diag.message_detail or str(error)).replace("\n", "; "),
            hint="Drop them first and recreate them afterwards; nothing was changed.",
        ) from error


@contextmanager
def rows(connection: Connection[Any]) -> Generator[Any]:
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


def _missing(run: Any, roles: Sequence[str]) -> tuple[str, ...]:
    return tuple(row["role"] for row in run("missing_roles", roles=list(roles)))


def _refuse_other_strategy(wanted: str | None, current: str) -> None:
    if wanted not in (None, current):
        raise InstallRefused(
            f"the strategy of this database is {current}, not {wanted}",
            hint="bible-progress rollout apply and rollout back change it.",
        )


def _refuse_newer(settings: DictRow) -> None:
    newer_schema = settings["schema_version"] > len(schema.migrations())
    if newer_schema or schema.release(settings["package_version"]) > schema.release(__version__):
        raise InstallRefused(
            f"this database was installed by Bible Progress {settings['package_version']}, "
            f"which is newer than this one ({__version__})",
            hint="Upgrade the package: pip install --upgrade bible-progress",
        )


def refuse_other_owner(run: Any) -> None:
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
    for path in schema.migrations():
        if path not in applied:
            yield path
        elif applied[path] != schema.checksum(path):
            raise InstallRefused(
                f"{path} differs from the one that this database was made with",
                hint="Migrations are never edited after a release; reinstall the package.",
            )
