"""Look at a database before install, or at any time: every check, changing nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import Connection
from psycopg import errors as pg
from psycopg.rows import dict_row

from .. import sql
from ..db import translated
from .checks import BUSY_SECONDS, SEVERITIES, Check, Subject, all_checks
from .session import transaction

CHECK_SECONDS = 30.0
SHOWN = 5
# What our views raise while they are off, see suspended.sql.
SUSPENDED = "BP010"

_QUERIES = sql.queries("doctor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found: how many rows, the first of them, and what to do."""

    check: Check
    how_many: int
    rows: tuple[str, ...]
    statements: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Examination:
    """What doctor found. `unfinished` are checks that could not look, with the reason."""

    database: str
    server_version: str
    role: str
    installed_version: str | None
    findings: list[Finding] = field(default_factory=list[Finding])
    unfinished: list[tuple[Check, str]] = field(default_factory=list[tuple[Check, str]])
    passed: list[Check] = field(default_factory=list[Check])
    # They read columns that are not there.
    waiting: list[Check] = field(default_factory=list[Check])

    def count(self, severity: str) -> int:
        """Return how many checks of a severity found something or could not look."""
        checks = [finding.check for finding in self.findings]
        checks += [check for check, _ in self.unfinished]
        return sum(check.severity == severity for check in checks)


def examine(
    connection: Connection[Any],
    *,
    seconds: float = CHECK_SECONDS,
    shown: int = SHOWN,
    busy_seconds: float = BUSY_SECONDS,
    progress: Callable[[str, int, int], None] = lambda title, done, total: None,
) -> Examination:
    """Run every check that makes sense on this database, the most severe findings first.

    Each runs in a read-only transaction of its own, of which no statement takes longer than
    `seconds`. `shown` rows of each finding are kept. `progress` gets (title, done, in all).
    Raises InstallRefused where not even looking makes sense: the server is too old, or what is
    installed belongs to a role whose settings may not be read.
    """
    with translated(), transaction(connection):
        _limit(connection, seconds)
        subject = Subject(connection, busy_seconds=busy_seconds)
        wanted = [check for check in all_checks().values() if subject.is_for(check)]
        waits = subject.has_host and not subject.is_sound
    found = Examination(
        database=subject.server["database"],
        server_version=subject.server["version"],
        role=subject.server["role"],
        installed_version=subject.settings["package_version"] if subject.settings else None,
        waiting=[c for c in all_checks().values() if waits and c.when == "sound host"],
    )
    for done, check in enumerate(wanted):
        progress(check.title, done, len(wanted))
        try:
            with transaction(connection):
                _limit(connection, seconds)
                finding = _run(subject, check, shown)
        except pg.QueryCanceled:
            found.unfinished.append((check, f"took longer than {seconds:g} s"))
        except (pg.InsufficientPrivilege, pg.LockNotAvailable) as error:
            found.unfinished.append((check, error.diag.message_primary or str(error)))
        except psycopg.Error as error:
            if error.sqlstate != SUSPENDED:
                with translated():
                    raise
            found.unfinished.append((check, error.diag.message_primary or str(error)))
        else:
            if finding is None:
                found.passed.append(check)
            else:
                found.findings.append(finding)
    progress("", len(wanted), len(wanted))
    found.findings.sort(key=lambda finding: SEVERITIES.index(finding.check.severity))
    return found


def _limit(connection: Connection[Any], seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_QUERIES["limit"], {"timeout": f"{max(1, round(seconds * 1000))}ms"})


def _run(subject: Subject, check: Check, shown: int) -> Finding | None:
    """Fetch the first rows only; the server counts the others where they are."""
    connection = subject.connection
    with connection.cursor("finding", row_factory=dict_row) as cursor:
        cursor.execute(check.query, subject.parameters)
        rows = cursor.fetchmany(shown)
        more = connection.execute(_QUERIES["count_others"]).rowcount if rows else 0
    if not rows:
        return None
    fixes = [row["fix"] for row in rows if row.get("fix")]
    return Finding(
        check=check,
        how_many=len(rows) + more,
        rows=tuple(row["finding"] for row in rows),
        statements=tuple(fixes) if fixes else (check.sql,) if check.sql else (),
    )
