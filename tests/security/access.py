"""Who may use which of our objects: every way in, from the catalogue, so that new ones are met."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from bible_progress.installing.schema import CONTRACT_TABLES, ROLES, contract_views
from security.supabase import API_ROLES

READERS = ("anon", "authenticated", "service_role", "progress_reader")
EVERYBODY = (*API_ROLES, *ROLES, "login_stranger")

CLIENT_FUNCTIONS = {
    "progress_tree",
    "progress_gaps",
    "progress_compare",
    "progress_best_versions",
}

RELATIONS = """
    select c.oid::regclass::text, c.relname, c.relnamespace = 'progress'::regnamespace, c.relkind::text
    from pg_class c
    where c.relkind in ('r', 'v', 'm', 'S') and (
        c.relnamespace = 'progress'::regnamespace
        or c.relname = any(%(names)s)
        or exists (
            select from pg_depend d join pg_class t on t.oid = d.refobjid
            where d.objid = c.oid and d.deptype = 'i' and t.relname = any(%(names)s)
        )
    )
    order by 1
"""

ROUTINES = """
    select
        p.oid::regprocedure::text, p.proname, p.pronamespace = 'progress'::regnamespace,
        format(
            '%%s %%s.%%I(%%s)', case p.prokind when 'p' then 'call' else 'select' end,
            p.pronamespace::regnamespace, p.proname,
            (
                select string_agg('null::' || t::regtype, ', ' order by o)
                from unnest(p.proargtypes) with ordinality as a (t, o)
            )
        )
    from pg_proc p
    where p.prorettype <> 'trigger'::regtype
        and (
            p.pronamespace = 'progress'::regnamespace
            or p.pronamespace = 'public'::regnamespace and p.proname like 'progress\\_%%'
        )
    order by 1
"""


def relations(connection: Connection[Any]) -> list[tuple[str, str, bool, str]]:
    """Return (as PostgreSQL writes it, name, whether internal, kind) of every relation of ours."""
    names = [*contract_views(), *CONTRACT_TABLES]
    return connection.execute(RELATIONS, {"names": names}).fetchall()


def routines(connection: Connection[Any]) -> list[tuple[str, str, bool, str]]:
    """Return (signature, name, whether internal, a call) of every function but triggers'."""
    return connection.execute(ROUTINES, {}).fetchall()
