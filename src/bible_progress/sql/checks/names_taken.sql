-- title: names that Bible Progress needs are taken
-- severity: error
-- when: always
-- why: Relations of the contract have fixed names, and what stands there is not ours to drop.
-- fix: Rename or drop them.
-- Before a first install anything at all is in the way but an earlier implementation, which
-- earlier_implementation.sql finds; afterwards whatever is of another kind than what we made.
select
    case c.relkind
        when 'r' then 'table'
        when 'p' then 'table'
        when 'm' then 'materialized view'
        when 'v' then 'view'
        when 'f' then 'foreign table'
        when 'S' then 'sequence'
        when 'i' then 'index'
        when 'c' then 'type'
        else 'relation'
    end || ' public.' || c.relname as finding
from pg_catalog.pg_class as c
where
    c.relnamespace = 'public'::regnamespace
    and c.oid <> all(%(earlier)s::oid[])
    and c.oid <> all(%(leftovers)s::oid[])
    and (
        (
            c.relname = any(%(views)s)
            and (
                not %(installed)s
                or c.relkind <> case when c.relname = any(%(materialized)s) then 'm' else 'v' end
            )
        )
        or (
            c.relname = any(%(contract_tables)s)
            and (not %(installed)s or c.relkind <> 'r')
        )
    )
union all
-- A relation is a type of its name too.
select case t.typtype when 'd' then 'domain' else 'type' end || ' public.' || t.typname as finding
from pg_catalog.pg_type as t
where
    t.typnamespace = 'public'::regnamespace
    and t.typrelid = 0
    and (t.typname = any(%(views)s) or t.typname = any(%(contract_tables)s))
union all
select 'function ' || p.oid::regprocedure as finding
from pg_catalog.pg_proc as p
where
    not %(installed)s
    and p.pronamespace = 'public'::regnamespace
    and p.oid <> all(%(leftovers)s::oid[])
    and (
        p.oid in (select to_regprocedure(f.name) from unnest(%(signatures)s::text[]) as f (name))
        -- Where a relationship goes (see relationships.sql).
        or (
            p.pronargs = 1
            and p.proname = any(%(views)s)
            and exists (
                select
                from pg_catalog.pg_class as s
                where
                    s.reltype = p.proargtypes[0]
                    and s.relnamespace = 'public'::regnamespace
                    and s.relname = any(%(owning)s)
            )
        )
    )
union all
-- Create or replace would take them over.
select 'trigger ' || t.tgname || ' on public.' || c.relname as finding
from pg_catalog.pg_trigger as t
inner join pg_catalog.pg_class as c on t.tgrelid = c.oid
inner join
    unnest(%(trigger_names)s::text[], %(trigger_tables)s::text[]) as ours (name, table_name)
    on t.tgname = ours.name and c.relname = ours.table_name
where
    c.relnamespace = 'public'::regnamespace
    and not exists (
        select
        from pg_catalog.pg_proc as p
        inner join pg_catalog.pg_namespace as n on p.pronamespace = n.oid
        where p.oid = t.tgfoid and n.nspname = 'progress'
    )
union all
select 'schema progress, with objects that Bible Progress did not make' as finding
from pg_catalog.pg_namespace as n
where
    n.nspname = 'progress'
    and not %(installed)s
    and exists (
        select
        from pg_catalog.pg_depend as d
        where d.refclassid = 'pg_namespace'::regclass and d.refobjid = n.oid
    )
order by finding;
