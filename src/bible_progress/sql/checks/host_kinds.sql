-- title: host tables that are partitioned, inherited or no tables
-- severity: error
-- when: host
-- why: Triggers of a partitioned table do not see writes to a partition by its own name, nor those
--   of a parent what is written to a child; such changes would be missed.
-- fix: Bring the rows into one ordinary table of that name.
with
tables as (
    select
        c.oid as table_oid,
        c.relname as table_name,
        c.relkind as table_kind
    from pg_catalog.pg_class as c
    where
        c.relnamespace = 'public'::regnamespace
        and c.relname = any(%(tables)s)
)

select
    'public.' || t.table_name
    || case t.table_kind when 'p' then ' is partitioned' else ' is not a table' end as finding
from tables as t
where t.table_kind <> 'r'
union all
-- Nor those of a child what is written through its parent.
select
    'public.' || t.table_name || ' and ' || string_agg(
        (case when i.inhparent = t.table_oid then i.inhrelid else i.inhparent end)::regclass::text,
        ', '
    ) || ' inherit from each other' as finding
from tables as t
inner join pg_catalog.pg_inherits as i on t.table_oid in (i.inhparent, i.inhrelid)
where t.table_kind = 'r'
group by t.table_name
order by finding;
