"""A database's catalogue as comparable lines: what a schema is, without oids, order or dates."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

_OURS = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"

_QUERIES = {
    "schema": "select n.nspname, n.nspacl::text, obj_description(n.oid, 'pg_namespace')"
    f" from pg_namespace n where {_OURS}",
    "relation": "select n.nspname, c.relname, c.relkind::text, c.relpersistence::text,"
    " pg_get_userbyid(c.relowner), c.relacl::text,"
    # The tests' own setting.
    " nullif(array_remove(c.reloptions, 'autovacuum_enabled=false'), '{}')::text, c.relrowsecurity,"
    " c.relforcerowsecurity, c.relreplident::text, obj_description(c.oid, 'pg_class'),"
    " case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end"
    f" from pg_class c join pg_namespace n on n.oid = c.relnamespace where {_OURS}",
    "column": "select n.nspname, c.relname, a.attname,"
    " row_number() over (partition by c.oid order by a.attnum),"
    " format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text, a.attacl::text,"
    " pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)"
    " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
    " join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
    " left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum"
    f" where {_OURS} and c.relkind <> 'i'",
    "constraint": "select n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid)"
    " from pg_constraint k join pg_class c on c.oid = k.conrelid"
    f" join pg_namespace n on n.oid = c.relnamespace where {_OURS}",
    "index": "select n.nspname, pg_get_indexdef(i.indexrelid), i.indisvalid"
    " from pg_index i join pg_class c on c.oid = i.indexrelid"
    f" join pg_namespace n on n.oid = c.relnamespace where {_OURS}",
    "trigger": "select n.nspname, c.relname, pg_get_triggerdef(t.oid), t.tgenabled::text"
    " from pg_trigger t join pg_class c on c.oid = t.tgrelid"
    f" join pg_namespace n on n.oid = c.relnamespace where {_OURS} and not t.tgisinternal",
    "policy": "select schemaname, tablename, policyname, permissive, roles::text, cmd, qual,"
    " with_check from pg_policies",
    "function": "select n.nspname, p.oid::regprocedure::text, pg_get_functiondef(p.oid),"
    " pg_get_userbyid(p.proowner), p.proacl::text, obj_description(p.oid, 'pg_proc')"
    f" from pg_proc p join pg_namespace n on n.oid = p.pronamespace where {_OURS}",
    "type": "select n.nspname, t.typname, t.typtype::text from pg_type t"
    " join pg_namespace n on n.oid = t.typnamespace"
    f" where {_OURS} and t.typtype in ('e', 'd', 'r')",
    "default privilege": "select pg_get_userbyid(defaclrole), defaclobjtype::text, defaclacl::text"
    " from pg_default_acl",
    "extension": "select extname from pg_extension",
    "event trigger": "select evtname from pg_event_trigger",
}


def catalog(connection: Connection[Any]) -> set[str]:
    """Return one line for each thing that is defined in this database."""
    lines: set[str] = set()
    for kind, query in _QUERIES.items():
        for row in connection.execute(query).fetchall():  # type: ignore[arg-type]
            line = f"{kind}: {row}"
            assert line not in lines, line
            lines.add(line)
    return lines


def assert_same_catalog(found: set[str], expected: set[str]) -> None:
    """Assert that two catalogues are equal, naming what differs."""
    more = [f"+ {line[:300]}" for line in sorted(found - expected)]
    fewer = [f"- {line[:300]}" for line in sorted(expected - found)]
    assert not more + fewer, "\n".join([*more[:9], *fewer[:9]])
