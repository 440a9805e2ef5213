-- title: host tables that are partitions, inherited or no tables
-- severity: error
-- when: host
-- why: Triggers of a table do not see what is written to it through a parent, nor those of a parent
--   what is written to a child; such changes would be missed. A partitioned table is welcome, but
--   not with foreign tables for partitions, for which PostgreSQL keeps no transition tables.
-- fix: Bring the rows into one table of that name, ordinary or partitioned.
with
tables as (
    select
        c.oid as table_oid,
        c.relname as table_name,
        c.relkind as table_kind,
        c.relispartition as is_partition
    from pg_catalog.pg_class as c
    where
        c.relnamespace = 'public'::regnamespace
        and c.relname = any(%(tables)s)
)

select 'public.' || t.table_name || ' is not a table' as finding
from tables as t
where t.table_kind not in ('r', 'p')
union all
select 'public.' || t.table_name || ' is a partition of ' || i.inhparent::regclass as finding
from tables as t
inner join pg_catalog.pg_inherits as i on t.table_oid = i.inhrelid
where t.is_partition
union all
select
    'public.' || t.table_name || ' has the foreign table ' || p.relid::text || ' for a partition'
        as finding
from tables as t
cross join lateral pg_partition_tree(t.table_oid) as p
inner join pg_catalog.pg_class as c on p.relid = c.oid
where c.relkind = 'f' and t.table_kind = 'p'
union all
-- Nor those of a child what is written through its parent.
select
    'public.' || t.table_name || ' and ' || string_agg(
        (case when i.inhparent = t.table_oid then i.inhrelid else i.inhparent end)::regclass::text,
        ', '
    ) || ' inherit from each other' as finding
from tables as t
inner join pg_catalog.pg_inherits as i on t.table_oid in (i.inhparent, i.inhrelid)
where t.table_kind = 'r' and not t.is_partition
group by t.table_name
order by finding;
