"""Let go of the host tables for as long as somebody changes them; install takes hold again."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from ..db import translated
from ..engine.drain import guard, require_schema
from ..errors import NotInstalled
from . import rendering
from .checks import Subject
from .rendering import LOCK_TIMEOUT_SECONDS
from .session import execute, reload_clients, transaction


def suspend(
    connection: Connection[Any],
    *,
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
    automated: bool = False,
    override: str | None = None,
) -> bool:
    """Take views and triggers off in one transaction; return False if they are off already.

    What is stored, what waits, settings and what others hold on our views stays. Raises
    NotInstalled, SchemaMismatch, GuardRefused in production, and InstallRefused where locks cannot
    be had; then nothing has changed.
    """
    with translated(), transaction(connection):
        execute(connection, rendering.hold_drains(lock_timeout_seconds))
        subject = Subject(connection)
        if not subject.settings:
            raise NotInstalled("Bible Progress is not installed in this database")
        subject.refuse("other_owner")
        if subject.settings["suspended_at"] is not None:
            return False
        require_schema(connection)
        guard(connection, "suspending", automated=automated, reason=override)
        then = rendering.suspension()
        execute(connection, rendering.take_over(lock_timeout_seconds, then=then))
        reload_clients(connection)
    return True
