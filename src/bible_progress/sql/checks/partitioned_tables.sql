-- title: host tables that are partitioned
-- severity: advice
-- when: host
-- why: Writes through the table leave their signals. A write to a partition by the partition's own
--   name, and attaching or detaching one, leave none; the audits of verify and the worker find such
--   changes later.
-- fix: Write through the table. After attach and detach, run bible-progress refresh --all.
select
    'public.' || c.relname || ' is partitioned by ' || pg_get_partkeydef(c.oid) || ', partitions: '
    || coalesce(string_agg(p.relid::text, ', ' order by p.relid::text), 'none yet') as finding
from pg_catalog.pg_class as c
left join lateral pg_partition_tree(c.oid) as p on c.oid <> p.relid
where
    c.relnamespace = 'public'::regnamespace
    and c.relname = any(%(tables)s)
    and c.relkind = 'p'
group by
    c.oid,
    c.relname
order by finding;
