-- title: autovacuum is off
-- severity: warning
-- when: host
-- why: Tables that change much bloat, and the planner knows nothing of their rows.
-- fix: Switch it on.
select
    'autovacuum is off for the whole server' as finding,
    'alter system set autovacuum = on; select pg_reload_conf();' as fix
where not current_setting('autovacuum')::boolean
union all
select
    format('autovacuum is off for %%I.%%I', n.nspname, c.relname) as finding,
    format('alter table %%I.%%I reset (autovacuum_enabled);', n.nspname, c.relname) as fix
from pg_catalog.pg_class as t
cross join
    lateral (
        select t.oid as relid
        union
        select p.relid
        from pg_partition_tree(t.oid) as p
    ) as part
inner join pg_catalog.pg_class as c on part.relid = c.oid
inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
cross join lateral pg_options_to_table(c.reloptions) as o
where
    t.relnamespace = 'public'::regnamespace
    and t.relname = any(%(tables)s)
    and c.relkind = 'r'
    and o.option_name = 'autovacuum_enabled'
    and not o.option_value::boolean
order by finding;
