"""The rules of Supabase's database linter at WARN and above that could concern us, in our words.

Each is a query for (schema, name) of what it would complain about, in the schemas that are ours to
answer for; %(exposed)s are those that PostgREST serves.
"""

from __future__ import annotations

RULES: dict[str, str] = {
    "0006 several permissive policies for one role and command": """
        select n.nspname, c.relname
        from pg_policy p
        join pg_class c on c.oid = p.polrelid
        join pg_namespace n on n.oid = c.relnamespace
        join pg_roles r on r.oid = any(p.polroles) or p.polroles = '{0}'
        cross join lateral unnest(
            case p.polcmd when '*' then '{r,a,w,d}' else array[p.polcmd] end::"char"[]
        ) as command
        where p.polpermissive and r.rolname in ('anon', 'authenticated')
        group by 1, 2, r.rolname, command
        having count(*) > 1
    """,
    "0009 two indexes that are the same": """
        select n.nspname, c.relname
        from pg_index i
        join pg_class c on c.oid = i.indrelid
        join pg_namespace n on n.oid = c.relnamespace
        group by
            n.nspname, c.relname, i.indrelid, i.indkey::text, i.indclass::text,
            i.indoption::text, coalesce(i.indpred::text, ''), coalesce(i.indexprs::text, '')
        having count(*) > 1
    """,
    "0010 a view in the API with the rights of its owner": """
        select n.nspname, c.relname
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'v' and n.nspname = any(%(exposed)s)
            and (
                has_table_privilege('anon', c.oid, 'select')
                or has_table_privilege('authenticated', c.oid, 'select')
            )
            and not coalesce(c.reloptions, '{}') && '{security_invoker=true,security_invoker=on}'
    """,
    "0011 a function without a search_path of its own": """
        select n.nspname, p.proname
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where not exists (select from unnest(p.proconfig) s where s like 'search_path=%%')
    """,
    "0013 a table in the API without row security": """
        select n.nspname, c.relname
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and not c.relrowsecurity and n.nspname = any(%(exposed)s)
            and (
                has_table_privilege('anon', c.oid, 'select')
                or has_table_privilege('authenticated', c.oid, 'select')
            )
    """,
    "0014 an extension in public": """
        select n.nspname, e.extname
        from pg_extension e join pg_namespace n on n.oid = e.extnamespace
        where n.nspname = 'public'
    """,
    "0016 a materialized view in the API": """
        select n.nspname, c.relname
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'm' and n.nspname = any(%(exposed)s)
            and (
                has_table_privilege('anon', c.oid, 'select')
                or has_table_privilege('authenticated', c.oid, 'select')
            )
    """,
    "0019 a queue in the API without row security": """
        select n.nspname, c.relname
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and c.relname like '%%queue%%' and not c.relrowsecurity
            and n.nspname = any(%(exposed)s)
    """,
    "0024 a policy that lets everybody write": """
        select n.nspname, c.relname
        from pg_policy p
        join pg_class c on c.oid = p.polrelid
        join pg_namespace n on n.oid = c.relnamespace
        where p.polpermissive and p.polcmd <> 'r'
            and 'true' in (
                pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
            )
    """,
    "0026 and 0027 a relation that API roles see and that is no part of the contract": """
        select n.nspname, c.relname
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm') and n.nspname = any(%(exposed)s)
            and c.relname <> all(%(contract)s)
            and (
                has_any_column_privilege('anon', c.oid, 'select')
                or has_any_column_privilege('authenticated', c.oid, 'select')
            )
    """,
    "0028 and 0029 a function in the API that runs as its owner for API roles": """
        select n.nspname, p.proname
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where p.prosecdef and n.nspname = any(%(exposed)s)
            and (
                has_function_privilege('anon', p.oid, 'execute')
                or has_function_privilege('authenticated', p.oid, 'execute')
            )
    """,
}
