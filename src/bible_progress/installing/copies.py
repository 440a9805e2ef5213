"""How to copy a database so that the copy works: the commands, for doctor, the docs and the tests.

SOURCE and TARGET are connection strings; both are environment variables of the shell.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A way to copy a database, as commands for a shell."""

    title: str
    commands: tuple[str, ...]


COPIES = (
    Copy(
        title="the whole database, into an empty one",
        commands=(
            'pg_dump --format=custom --file=copy.dump "$SOURCE"',
            'pg_restore --no-owner --no-privileges --dbname="$TARGET" copy.dump',
            'bible-progress install --database-url "$TARGET"',
        ),
    ),
    Copy(
        title="its data only, into an installed one without content",
        commands=(
            "pg_dump --data-only --format=custom --file=copy.dump --exclude-schema=progress"
            " --exclude-table='public.progress_refresh_*' --exclude-table='public.mv_*'"
            ' "$SOURCE"',
            'pg_restore --data-only --single-transaction --dbname="$TARGET" copy.dump',
        ),
    ),
    Copy(
        title="its data only, past the triggers, as the Supabase CLI dumps it",
        commands=(
            "(echo 'set session_replication_role = replica;'; pg_dump --data-only --schema=public"
            " --exclude-table='public.progress_refresh_*' --exclude-table='public.mv_*'"
            ' "$SOURCE") > data.sql',
            'psql --single-transaction --set=ON_ERROR_STOP=1 --file=data.sql "$TARGET"',
        ),
    ),
)
