-- title: host tables that a crash empties
-- severity: warning
-- when: host
-- why: A crash of the server empties unlogged tables without a trigger, and stored numbers stay.
-- fix: Make them logged.
select
    'public.' || c.relname || ' is unlogged' as finding,
    'alter table public.' || c.relname || ' set logged;' as fix
from pg_catalog.pg_class as c
where
    c.relnamespace = 'public'::regnamespace
    and c.relname = any(%(tables)s)
    and c.relpersistence = 'u'
order by finding;
