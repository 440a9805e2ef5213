"""Bring a database to this package's schema in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from ..db import translated
from ..engine.drain import guard
from ..errors import InstallRefused
from . import rendering, replacement, schema
from .checks import Subject
from .rendering import LOCK_TIMEOUT_SECONDS
from .replacement import Replacement
from .schema import HOST_TABLES, INCREMENTAL, ROLES, TRIGGERS, VIEWS
from .session import ask, execute, reload_clients, transaction

KEPT_OUT_OF_MATVIEWS = (
    "materialized views would show every version to %s, which the host tables stay closed to"
)
KEPT_OUT_HINT = "Leave out --strategy: the default follows row security."

# The step of the rollout that a new database starts on.
STRATEGIES = {"views": VIEWS, "matview": TRIGGERS, "incremental": INCREMENTAL}


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
    redefines_numbers: bool = False
    is_suspended: bool = False
    made_anew: tuple[str, ...] = field(default=())
    replacement: Replacement | None = None
    # (what, statement): of an earlier installation whose schema is not here.
    leftovers: tuple[tuple[str, str], ...] = field(default=())
    creates_roles: tuple[str, ...] = field(default=())
    # Roles that host tables made now stay closed to, until their owner lets them in.
    kept_out: tuple[str, ...] = field(default=())
    advised_indexes: tuple[str, ...] = field(default=())

    def steps(self) -> Iterator[str]:
        """Yield one line for each thing that install does."""
        if self.creates_host_tables:
            yield f"create the {len(HOST_TABLES)} host tables in schema public" + (
                f", closed to {', '.join(self.kept_out)}: row security is on, no policy, no grant"
                if self.kept_out
                else ""
            )
        else:
            yield f"use the {len(HOST_TABLES)} host tables that are there (checked)"
        for what, _ in self.leftovers:
            yield f"make {what} anew"
        if self.replacement:
            for what, _ in self.replacement.drops:
                yield f"drop {what}"
            for view in self.replacement.views:
                yield f"keep view {view.name}, on the new relations"
        for name in self.migrations:
            yield f"apply {name}"
        triggers = len(schema.triggers(self.step))
        yield f"create or replace {len(self.objects)} functions and views, {triggers} triggers"
        if self.made_anew:
            yield "make anew and fill, while readers and writers wait: " + ", ".join(self.made_anew)
        for role in self.creates_roles:
            yield f"create role {role}, which nobody can log in as"
        yield "grant the contract to reader roles, drains and operations to progress_* roles"
        if self.is_suspended:
            yield "end the suspension and queue every version, since anything may have changed"
        elif self.signals_everything:
            yield "queue every version for its first refresh"
        elif self.redefines_numbers and self.step >= TRIGGERS:
            yield "queue every version, since what its numbers are computed from has changed"
        elif self.redefines_numbers and self.step > VIEWS:
            yield (
                "redefine numbers: run bible-progress refresh --all afterwards, since on this step "
                "nothing else refreshes what is stored"
            )


def make_plan(
    connection: Connection[Any],
    *,
    readers: Sequence[str] = (),
    strategy: str | None = None,
    create_roles: bool = False,
    replace: bool = False,
) -> Plan:
    """Check the database and say what install would do; nothing is changed.

    `strategy` is for a new database; `create_roles` makes those of ROLES that are missing; with
    `replace` an earlier implementation may be there. Raises InstallRefused with every reason at
    once if install cannot proceed.
    """
    with translated(), transaction(connection):
        subject = Subject(connection, readers=readers)
        subject.refuse(ignoring=["earlier_implementation"] if replace else [])
        settings = subject.settings
        kept_out = () if subject.has_host else _kept_out(connection)
        if settings:
            step = settings["rollout_step"]
            _refuse_other_strategy(strategy, ask(connection, "status_strategy")[0]["strategy"])
        else:
            step = STRATEGIES[strategy or "incremental"]
            if step == TRIGGERS and subject.has_host:
                subject.refuse("row_security_on_versions")
            elif step == TRIGGERS and kept_out:
                raise InstallRefused(KEPT_OUT_OF_MATVIEWS % ", ".join(kept_out), hint=KEPT_OUT_HINT)
        new_roles = _missing(connection, ROLES) if create_roles else ()
        _refuse_roles(subject, readers, new_roles)
        applied = _applied(connection) if settings else {}
        advised = subject.rows("missing_indexes") if subject.has_host else []
        missing = subject.rows("our_triggers") if settings else []
        return Plan(
            database=subject.server["database"],
            server_version=subject.server["version"],
            installed_version=settings["package_version"] if settings else None,
            step=step,
            creates_host_tables=not subject.has_host,
            replacement=replacement.find(subject, step) if replace else None,
            leftovers=tuple((row["finding"], row["statement"]) for row in subject.leftovers),
            migrations=tuple(_pending(applied)),
            objects=schema.objects(step),
            # Triggers that were off may have missed changes.
            signals_everything=not settings or bool(missing),
            made_anew=tuple(
                row["name"]
                for row in ask(
                    connection, "made_anew", definitions=json.dumps(schema.definitions(step))
                )
            )
            if settings
            else (),
            redefines_numbers=bool(settings) and settings["numbers"] != schema.numbers(step),
            is_suspended=bool(settings) and settings["suspended_at"] is not None,
            creates_roles=new_roles,
            kept_out=kept_out,
            advised_indexes=tuple(row["fix"] for row in advised),
        )


def install(
    connection: Connection[Any],
    *,
    environment: str | None = None,
    readers: Sequence[str] | None = None,
    strategy: str | None = None,
    create_roles: bool = False,
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
    replace: bool = False,
    automated: bool = False,
    override: str | None = None,
) -> Plan:
    """Install or upgrade in one transaction and return what was done.

    `environment` and `readers` are kept from the last install where None; `strategy` is for a new
    database, `create_roles` for a server without those of ROLES, `replace` for an earlier
    implementation, which goes. Waits for another install; waits at most `lock_timeout_seconds` for
    writers of the host tables, because creating triggers needs a moment without them. Raises
    InstallRefused; then nothing has changed. Raises GuardRefused where `environment` would end
    production by hand, or something is replaced in production by hand, without an `override`
    reason.
    """
    with translated(), transaction(connection):
        execute(connection, rendering.hold_drains(lock_timeout_seconds))
        plan = make_plan(
            connection,
            readers=readers or (),
            strategy=strategy,
            create_roles=create_roles,
            replace=replace,
        )
        earlier = plan.replacement
        if plan.installed_version and environment == "development":
            guard(connection, "ending production", automated=automated, reason=override)
        execute(connection, rendering.look(plan.step))
        execute(
            connection,
            *rendering.foundation(
                plan.step,
                migrations=plan.migrations,
                readers=readers,
                environment=environment,
                create_roles=bool(plan.creates_roles),
                replaced=tuple(earlier.statements()) if earlier else (),
                seconds=lock_timeout_seconds,
            ),
        )
        execute(connection, *rendering.objects(plan.step))
        if earlier and earlier.drops:
            action = "replacing an earlier implementation"
            guard(connection, action, automated=automated, reason=override)
            earlier.carry_over(connection)
        execute(connection, *rendering.contents())
        reload_clients(connection)
    return plan


def _kept_out(connection: Connection[Any]) -> tuple[str, ...]:
    return tuple(row["role"] for row in ask(connection, "kept_out"))


def _missing(connection: Connection[Any], roles: Sequence[str]) -> tuple[str, ...]:
    return tuple(row["role"] for row in ask(connection, "missing_roles", roles=list(roles)))


def _refuse_roles(subject: Subject, readers: Sequence[str], new_roles: Sequence[str]) -> None:
    missing = [name for name in _missing(subject.connection, readers) if name not in new_roles]
    if missing:
        raise InstallRefused(
            "no such role: " + ", ".join(missing), hint="Create the reader roles first."
        )
    if new_roles and not ask(subject.connection, "may_create_roles")[0]["is_allowed"]:
        raise InstallRefused(
            f"role {subject.server['role']} may not create roles, and there is no "
            + ", ".join(new_roles),
            hint="Let an administrator create them ("
            + " ".join(f"create role {name} nologin;" for name in new_roles)
            + ") and install without --create-roles: those that are there are used.",
        )


def _refuse_other_strategy(wanted: str | None, current: str) -> None:
    if wanted not in (None, current):
        raise InstallRefused(
            f"the strategy of this database is {current}, not {wanted}",
            hint="bible-progress rollout apply and rollout back change it.",
        )


def _applied(connection: Connection[Any]) -> dict[str, str]:
    return {row["name"]: row["checksum"] for row in ask(connection, "applied_migrations")}


def _pending(applied: dict[str, str]) -> Iterator[str]:
    for path in schema.migrations():
        if path not in applied:
            yield path
        elif applied[path] != schema.checksum(path):
            raise InstallRefused(
                f"{path} differs from the one that this database was made with",
                hint="Migrations are never edited after a release; reinstall the package.",
            )
