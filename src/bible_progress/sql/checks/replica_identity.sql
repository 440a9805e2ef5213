-- title: published tables without a replica identity
-- severity: warning
-- when: host
-- why: PostgreSQL refuses updates and deletes of their rows, deletes that cascade from elsewhere
--   included. Bible Progress changes nothing about it.
-- fix: Give them a primary key, or publish whole rows.
-- Of a partitioned table it is asked of the partitions, where the rows are.
select distinct
    format('%%I.%%I', n.nspname, c.relname) || ' is published by ' || p.pubname
    || ' and has no replica identity' as finding,
    format('alter table %%I.%%I replica identity full;', n.nspname, c.relname) as fix
from pg_catalog.pg_class as h
cross join
    lateral (
        select h.oid as relid
        union
        select tree.relid
        from pg_partition_tree(h.oid) as tree
    ) as part
inner join pg_catalog.pg_class as c on part.relid = c.oid
inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
-- Published by its own name, or by that of a table that it is a partition of.
cross join
    lateral (
        select
            own.nspname,
            own.relname
        from (
            select
                n.nspname,
                c.relname
            union
            select
                an.nspname,
                a.relname
            from pg_partition_ancestors(c.oid) as up
            inner join pg_catalog.pg_class as a on up.relid = a.oid
            inner join pg_catalog.pg_namespace as an on a.relnamespace = an.oid
        ) as own
    ) as known_as
inner join pg_catalog.pg_publication_tables as t
    on known_as.nspname = t.schemaname and known_as.relname = t.tablename
inner join pg_catalog.pg_publication as p on t.pubname = p.pubname
where
    h.relnamespace = 'public'::regnamespace
    and h.relname = any(%(tables)s)
    and c.relkind = 'r'
    and (p.pubupdate or p.pubdelete)
    and not (
        c.relreplident = 'f'
        or (
            c.relreplident = 'd'
            and exists (
                select
                from pg_catalog.pg_index as i
                where i.indrelid = c.oid and i.indisprimary
            )
        )
        or (
            c.relreplident = 'i'
            and exists (
                select
                from pg_catalog.pg_index as i
                where i.indrelid = c.oid and i.indisreplident
            )
        )
    )
order by finding;
