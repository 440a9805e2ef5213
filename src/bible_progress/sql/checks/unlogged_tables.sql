-- title: host tables that a crash empties
-- severity: warning
-- when: host
-- why: A crash of the server empties unlogged tables without a trigger, and stored numbers stay.
-- fix: Make them logged.
select
    format('%%I.%%I is unlogged', n.nspname, c.relname) as finding,
    format('alter table %%I.%%I set logged;', n.nspname, c.relname) as fix
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
where
    t.relnamespace = 'public'::regnamespace
    and t.relname = any(%(tables)s)
    and c.relpersistence = 'u'
    and c.relkind = 'r'
order by finding;
