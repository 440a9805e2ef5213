"""The checks of a database: one list, read by doctor, and by install for what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import PurePosixPath
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.rows import DictRow, dict_row

from .. import __version__, sql
from ..errors import InstallRefused
from . import schema

SEVERITIES = ("error", "warning", "advice")
# A transaction that is open for longer may well be open when install wants its locks.
BUSY_SECONDS = 10.0

_QUERIES = sql.queries("install")
_HEAD = re.compile(r"-- (\w+): (.+)\n((?:--   .+\n)*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A file of sql/checks: its head says what is found and what to do, its query finds it.

    `when` says on which databases it makes sense (see `Subject.is_for`), `needs` which relation it
    reads that need not exist, `install` whether install goes on in spite of an error. The query
    returns a `finding` a row, perhaps with a `fix`: SQL that may be copied. `sql` is such a
    statement for all of them.
    """

    name: str
    title: str
    severity: str
    when: str
    needs: str | None
    why: str
    fix: str
    sql: str | None
    query: LiteralString
    install: str | None

    @property
    def is_refused(self) -> bool:
        """Whether install refuses what is found."""
        return self.severity == "error" and self.install != "goes on"


@cache
def all_checks() -> dict[str, Check]:
    """Return every check by its name, in the order of checks.sql."""
    return {check.name: check for check in map(_read, sql.checks())}


def _read(path: str) -> Check:
    text = sql.read(path)
    head: dict[str, str] = {}
    end = 0
    while match := _HEAD.match(text, end):
        more = [line.removeprefix("--   ") for line in match[3].splitlines()]
        head[match[1]] = " ".join([match[2], *more])
        end = match.end()
    return Check(
        name=PurePosixPath(path).stem,
        title=head["title"],
        severity=head["severity"],
        when=head["when"],
        needs=head.get("needs"),
        why=head["why"],
        fix=head["fix"],
        sql=head.get("sql"),
        query=text[end:],
        install=head.get("install"),
    )


def rows(connection: Connection[Any], name: str, parameters: Mapping[str, object]) -> list[DictRow]:
    """Return everything that a check finds, one row a finding."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(all_checks()[name].query, parameters).fetchall()


def shared_parameters() -> dict[str, Any]:
    """Return what checks ask about that is the same on every database."""
    return {
        "tables": list(schema.HOST_TABLES),
        "comments": list(schema.comments()),
        "contract_tables": list(schema.CONTRACT_TABLES),
        "views": list(schema.contract_views()),
        "functions": [name for place, name in schema.routines() if place == "public"],
        "signatures": [name for name in schema.signatures() if name.startswith("public.")],
        "internal_views": [name for place, name in schema.all_views() if place == "progress"],
        "dropped_functions": json.dumps(schema.dropped_functions()),
        "owning": list(schema.OWNING_TABLES),
        "contract": json.dumps(schema.contract_columns()),
        "package_version": __version__,
        "schema_version": len(schema.migrations()),
    }


def step_parameters(step: int) -> dict[str, Any]:
    """Return what of ours a database on this step must have, for checks."""
    triggers = schema.triggers(step)
    return {
        "kept_views": [name for place, name in schema.views(step) if place == "public"],
        "definitions": json.dumps(schema.definitions(step)),
        "trigger_names": [name for name, _ in triggers],
        "trigger_tables": [table for _, table in triggers],
    }


class Subject:
    """A database that is checked: what there is, and the parameters that checks share."""

    def __init__(
        self,
        connection: Connection[Any],
        *,
        readers: Sequence[str] = (),
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self.connection = connection
        self.parameters: dict[str, Any] = {}
        self.server = self._run(_QUERIES["server"])[0]
        self.parameters |= shared_parameters() | {"busy_seconds": busy_seconds}
        self.refuse("server_version")
        state = self._run(_QUERIES["is_installed"])[0]
        self.installed: bool = state["installed"]
        if self.installed and not state["is_readable"]:
            self.refuse("other_owner")
        self.settings = self._run(_QUERIES["settings"])[0] if self.installed else None
        self.has_host = bool(
            self._run(_QUERIES["host_tables_present"], tables=list(schema.HOST_TABLES))
        )
        step = self.settings["rollout_step"] if self.settings else schema.INCREMENTAL
        self.parameters |= step_parameters(step) | {
            "installed": self.installed,
            "materialized": [name for _, name in schema.materialized_views(step)],
            "readers": [*readers, *(self.settings["reader_roles"] if self.settings else ())],
        }
        # What a copy of schema public brought of ours.
        self.leftovers = [] if self.installed else self.rows("leftovers")
        self.parameters["leftovers"] = [row["oid"] for row in self.leftovers]
        # Objects of an earlier implementation, in the order in which they can be dropped.
        self.earlier = [] if self.installed else self.rows("earlier_implementation")
        self.parameters |= {
            "earlier": [row["oid"] for row in self.earlier if row["kind"] in ("relation", "table")],
            "earlier_functions": [r["name"] for r in self.earlier if r["kind"] == "function"],
        }

    @cached_property
    def is_sound(self) -> bool:
        """Whether every table and column that we rely on is there."""
        return self.has_host and not self.rows("host_columns")

    @cached_property
    def has_cron(self) -> bool:
        """Whether pg_cron keeps its jobs in this database."""
        return self._exists("cron.job")

    def is_for(self, check: Check) -> bool:
        """Whether a check makes sense on this database."""
        fits = {
            "always": True,
            "host": self.has_host,
            "sound host": self.has_host and self.is_sound,
            "new": not self.installed,
            "installed": self.installed,
        }[check.when]
        return fits and (check.needs is None or self._exists(check.needs))

    def rows(self, name: str) -> list[DictRow]:
        """Return everything that a check finds."""
        return rows(self.connection, name, self.parameters)

    def errors(self, *, ignoring: Sequence[str] = ()) -> Iterator[tuple[Check, list[DictRow]]]:
        """Yield each check for which install refuses, with what it found."""
        for check in all_checks().values():
            if check.is_refused and check.name not in ignoring and self.is_for(check):
                found = self.rows(check.name)
                if found:
                    yield check, found

    def refuse(self, *names: str, ignoring: Sequence[str] = ()) -> None:
        """Raise InstallRefused if one of these checks, or without names any, finds an error."""
        if names:
            found = [(all_checks()[name], self.rows(name)) for name in names]
        else:
            found = list(self.errors(ignoring=ignoring))
        reasons = [
            f"{check.title}: " + "; ".join(row["finding"] for row in rows)
            for check, rows in found
            if rows
        ]
        if reasons:
            fixes = [check.fix for check, rows in found if rows]
            raise InstallRefused(
                ". ".join(reasons),
                hint=fixes[0]
                if len(fixes) == 1
                else "bible-progress doctor shows each of these with its fix.",
            )

    def _exists(self, relation: str) -> bool:
        return self._run(_QUERIES["exists"], relation=relation)[0]["is_there"]

    def _run(self, query: LiteralString, **parameters: object) -> list[DictRow]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, self.parameters | parameters).fetchall()
