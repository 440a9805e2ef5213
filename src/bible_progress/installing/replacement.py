"""Put Bible Progress in the place of an earlier implementation of the same names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import Connection
from psycopg import errors as pg
from psycopg.rows import DictRow, dict_row

from .. import sql
from ..errors import InstallRefused
from . import schema
from .checks import Subject

_QUERIES = sql.queries("replace")

Run = Callable[[str], list[DictRow]]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view of the host on what goes, and the statements that carry it over."""

    name: str
    let_go: str
    make_again: str
    make_with_casts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What an install with --replace drops, what it carries over and what a person should know.

    `drops` are (what, statement), in an order that needs no cascade.
    """

    drops: tuple[tuple[str, str], ...] = field(default=())
    views: tuple[View, ...] = field(default=())
    # Statements that let what was called from elsewhere say what became of it.
    stubs: tuple[tuple[str, ...], ...] = field(default=())
    notes: tuple[str, ...] = field(default=())

    def statements(self) -> Iterator[tuple[str, str]]:
        """Yield (what, statement) for all that goes."""
        for view in self.views:
            yield f"view {view.name}", view.let_go
        yield from self.drops

    def carry_over(self, connection: Connection[Any]) -> None:
        """Make the host's views what they were, now that ours are there, and the stubs."""
        with connection.cursor() as cursor:
            for statement in (one for stub in self.stubs for one in stub):
                cursor.execute(statement.encode())
        for view in self.views:
            try:
                try:
                    with connection.transaction(), connection.cursor() as cursor:
                        cursor.execute(view.make_again.encode())
                except pg.InvalidTableDefinition:
                    # A column of ours has another type than the one that it takes the place of.
                    with connection.transaction(), connection.cursor() as cursor:
                        cursor.execute(view.make_with_casts.encode())
            except psycopg.Error as error:
                raise InstallRefused(
                    f"view {view.name} cannot be made again: {error.diag.message_primary}",
                    hint="Change it or drop it first; nothing was changed.",
                ) from error


def find(subject: Subject, step: int) -> Replacement:
    """Return what an install for `step` would replace.

    Raises InstallRefused with the names of everything that depends on it and cannot be carried.
    """
    if not subject.earlier:
        return Replacement()
    kinds = {"relation": "relations", "table": "relations", "function": "functions"}
    oids: dict[str, list[int]] = {"relations": [], "functions": [], "triggers": []}
    for row in subject.earlier:
        oids[kinds.get(row["kind"], "triggers")].append(row["oid"])
    there = {name for _, name in (*schema.views(step), *schema.materialized_views(step))}
    contract = {n: columns for n, columns in schema.contract_columns().items() if n in there}
    parameters = subject.parameters | oids | {"contract": json.dumps(contract)}
    parameters["client_functions"] = subject.parameters["functions"]

    with subject.connection.cursor(row_factory=dict_row) as cursor:

        def run(name: str) -> list[DictRow]:
            return cursor.execute(_QUERIES[name], parameters).fetchall()

        dependents, callers = run("dependents"), run("callers")
        parameters["views"] = [row["view_id"] for row in dependents if row["is_view"]]
        views = run("carried_views")
        _refuse([*_obstacles(dependents, callers), *_foreign(views)])
        jobs = subject.rows("earlier_cron_jobs") if subject.has_cron else []
        return Replacement(
            drops=(
                *((row["finding"], row["statement"]) for row in subject.earlier),
                *((row["finding"], row["fix"]) for row in jobs if row["is_certain"]),
            ),
            views=tuple(
                View(
                    name=row["name"],
                    let_go=row["let_go"],
                    make_again=row["make_again"],
                    make_with_casts=row["make_with_casts"],
                )
                for row in views
            ),
            stubs=tuple(
                (row["make"], row["explain"], row["close"], *row["open"]) for row in run("stubs")
            ),
            notes=(*_notes(run, callers, views), *_other_jobs(jobs)),
        )


def _obstacles(dependents: list[DictRow], callers: list[DictRow]) -> list[str]:
    found = [row["dependent"] for row in dependents if not row["is_view"]]
    found += [
        f"{row['dependent']} reads {', '.join(row['missing_columns'])}, which ours does not have"
        for row in dependents
        if row["is_view"] and row["missing_columns"]
    ]
    found += [
        f"function {row['name']} of trigger {row['triggers']} uses {row['uses']} and does more: "
        "take that out of it"
        for row in callers
        if row["triggers"]
    ]
    return found


def _foreign(views: list[DictRow]) -> list[str]:
    return [
        f"view {row['name']} belongs to role {row['owner']}, which you are not a member of"
        for row in views
        if not row["is_mine"]
    ]


def _refuse(obstacles: list[str]) -> None:
    if obstacles:
        raise InstallRefused(
            "objects of this database depend on the earlier implementation and cannot be carried "
            "over: " + "; ".join(obstacles),
            hint="Drop or change them first; nothing was changed.",
        )


def _notes(run: Run, callers: list[DictRow], views: list[DictRow]) -> list[str]:
    notes = [
        f"function {row['name']} uses {row['uses']}, which goes: change it"
        for row in callers
        if not row["triggers"]
    ]
    notes += [
        f"nothing refreshes materialized view {row['name']} any more: schedule it yourself"
        for row in run("refreshed_too")
    ]
    readers = [row["name"] for row in run("past_readers")]
    readers += [row["owner"] for row in views if not row["owner_may_read"]]
    notes += [
        f"role {name} could read what goes: give --reader {name} if it shall read what comes"
        for name in sorted(set(readers))
    ]
    notes += [f"publication {row['name']} ends with it" for row in run("past_publications")]
    return notes + [f"stays, being something else: {row['name']}" for row in run("look_alikes")]


def _other_jobs(jobs: list[DictRow]) -> list[str]:
    return [
        f"{row['finding']} does more than call what goes: change it or {row['fix']}"
        for row in jobs
        if not row["is_certain"]
    ]
