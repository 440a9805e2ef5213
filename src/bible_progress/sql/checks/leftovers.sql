-- title: leftovers of Bible Progress without its schema
-- severity: advice
-- when: new
-- why: A copy of schema public alone (pg_dump -n public) takes along some of what install made
--   there, and not schema progress, which it works with.
-- fix: Run bible-progress install, which makes it anew and counts everything.
-- Ours by name, and by our comment, our body or our shape.
select
    'table ' || c.oid::regclass as finding,
    'relation' as kind,
    c.oid,
    'drop table ' || c.oid::regclass as statement,
    2 as place
from pg_catalog.pg_class as c
where
    not %(installed)s
    and c.relnamespace = 'public'::regnamespace
    and c.relname = any(%(contract_tables)s)
    and c.relkind = 'r'
    and (
        obj_description(c.oid, 'pg_class') = any(%(comments)s)
        or (
            select count(*)
            from pg_catalog.pg_attribute as a
            where
                a.attrelid = c.oid
                and not a.attisdropped
                and (
                    a.attname in ('kind', 'version_id', 'chapter_id', 'enqueued_at')
                    or (a.attname = 'xid' and a.atttypid = 'xid8'::regtype)
                    or a.attname = 'last_error'
                )
        ) = 5
    )
union all
select
    case c.relkind when 'm' then 'materialized view ' else 'view ' end || c.oid::regclass
        as finding,
    'relation' as kind,
    c.oid,
    case c.relkind when 'm' then 'drop materialized view ' else 'drop view ' end || c.oid::regclass
        as statement,
    1 as place
from pg_catalog.pg_class as c
where
    not %(installed)s
    and c.relnamespace = 'public'::regnamespace
    and c.relname = any(%(views)s)
    and c.relkind in ('v', 'm')
    and obj_description(c.oid, 'pg_class') = any(%(comments)s)
union all
select
    'function ' || p.oid::regprocedure as finding,
    'function' as kind,
    p.oid,
    'drop routine ' || p.oid::regprocedure as statement,
    0 as place
from pg_catalog.pg_proc as p
where
    not %(installed)s
    and p.pronamespace = 'public'::regnamespace
    and (
        (
            p.proname = any(%(functions)s)
            and (
                obj_description(p.oid, 'pg_proc') = any(%(comments)s)
                or p.prosrc ~ '\mprogress\.\w+ *\('
            )
        )
        or obj_description(p.oid, 'pg_proc') like 'Bible Progress: stands where %%'
    )
order by place, finding;
