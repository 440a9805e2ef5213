"""Every error that a person may meet, with its exit code.

BibleProgressError          1   anything else that we raise
├── UsageError              2   a flag or setting that cannot be
├── ConnectionFailed        3   no such server, wrong password, server went away
├── DatabaseRefused         4   the database said no: read-only, missing privilege, timeout
├── InstallRefused          5   install or uninstall cannot proceed on this database
├── NotInstalled            6   a command needs `bible-progress install` first
├── InputError              7   a file or an id that is not what it should be
├── GuardRefused            8   the production guard
├── DriftFound              9   verify found stored numbers that differ from the base tables
├── WorkRemains            10   refresh or verify ended with versions that it could not do
├── EmbeddedFailed         11   the embedded PostgreSQL could not be found or started
├── SchemaMismatch         12   the package is too old or too new for the schema of the database
└── ProblemsFound          13   doctor found what it was to fail on
"""

from __future__ import annotations

import re

import psycopg
from psycopg import errors as pg


class BibleProgressError(Exception):
    """Something went wrong; the message says what and where, `hint` what to do."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(BibleProgressError):
    exit_code = 2


class ConnectionFailed(BibleProgressError):
    exit_code = 3


class DatabaseRefused(BibleProgressError):
    exit_code = 4


class InstallRefused(BibleProgressError):
    exit_code = 5


class NotInstalled(BibleProgressError):
    exit_code = 6


class InputError(BibleProgressError):
    exit_code = 7


class GuardRefused(BibleProgressError):
    exit_code = 8


class DriftFound(BibleProgressError):
    exit_code = 9


class WorkRemains(BibleProgressError):
    exit_code = 10


class EmbeddedFailed(BibleProgressError):
    exit_code = 11


class SchemaMismatch(BibleProgressError):
    exit_code = 12


class ProblemsFound(BibleProgressError):
    exit_code = 13


def reason(error: Exception) -> str:
    """Return why something could not be read or written; never nothing."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


# SQLSTATEs that our own SQL raises on purpose (class BP is free for applications).
_OURS: dict[str, type[BibleProgressError]] = {
    "BP002": InputError,
    "BP003": GuardRefused,
    "BP004": DatabaseRefused,
    "BP005": DatabaseRefused,
    "BP010": SchemaMismatch,
    "BP011": InstallRefused,
    "BP012": DatabaseRefused,
    "BP013": DriftFound,
    "BP014": DatabaseRefused,
}


# What install makes or checks: without it, it was not run here. Names stand in the messages of
# every language alike.
_NEEDS_INSTALL = re.compile(
    r"\bprogress|public\.(users|bible_versions|books|chapters|verses|language_entities"
    r"|audio_versions|text_versions|media_files|media_files_verses|verse_texts)\b"
)


# Which of them is enough, only words of the server would tell, in whatever language it speaks.
_MORE_RIGHTS = (
    "Connect as the role that installed Bible Progress, or as a member of progress_worker, which "
    "drains, audits and reads, or of progress_admin, which deals with dead letters too."
)


def from_database(error: psycopg.Error) -> BibleProgressError:
    """Return the error of ours that a database error stands for.

    The message and hint that PostgreSQL or our own `raise ... using hint` gave are kept.
    """
    message = error.diag.message_primary or str(error).strip() or type(error).__name__
    hint = error.diag.message_hint
    kind = _OURS.get(error.sqlstate or "")
    if kind is not None:
        return kind(message, hint=hint)
    missing = isinstance(error, pg.UndefinedTable | pg.InvalidSchemaName | pg.UndefinedFunction)
    if missing and _NEEDS_INSTALL.search(message):
        return NotInstalled(
            f"Bible Progress is not installed in this database ({message})",
            hint="Run `bible-progress install` first.",
        )
    # PgBouncer's own words, which it has in English only; its SQLSTATE says just "protocol".
    if "statement pooling mode" in message:
        return ConnectionFailed(
            f"the pooler before the database refused: {message}",
            hint="PgBouncer needs pool_mode = transaction (or session) for this database.",
        )
    if error.sqlstate is None or (error.sqlstate[:2] in {"08", "57"} and error.sqlstate != "57014"):
        return ConnectionFailed(f"the database connection failed: {message}", hint=hint)
    if isinstance(error, pg.ReadOnlySqlTransaction):
        return DatabaseRefused(
            f"the database is read-only: {message}",
            hint="Connect to the primary, or clear default_transaction_read_only.",
        )
    if isinstance(error, pg.InsufficientPrivilege):
        return DatabaseRefused(
            f"this database role may not do that: {message}", hint=hint or _MORE_RIGHTS
        )
    return DatabaseRefused(f"{message} (SQLSTATE {error.sqlstate})", hint=hint)
