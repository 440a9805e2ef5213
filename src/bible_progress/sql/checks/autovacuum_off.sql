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
    'autovacuum is off for public.' || c.relname as finding,
    'alter table public.' || c.relname || ' reset (autovacuum_enabled);' as fix
from pg_catalog.pg_class as c
cross join lateral pg_options_to_table(c.reloptions) as o
where
    c.relnamespace = 'public'::regnamespace
    and c.relname = any(%(tables)s)
    and c.relkind = 'r'
    and o.option_name = 'autovacuum_enabled'
    and not o.option_value::boolean
order by finding;
