-- title: published tables without a replica identity
-- severity: warning
-- when: host
-- why: PostgreSQL refuses updates and deletes of their rows, deletes that cascade from elsewhere
--   included. Bible Progress changes nothing about it.
-- fix: Give them a primary key, or publish whole rows.
select distinct
    'public.' || c.relname || ' is published by ' || p.pubname
    || ' and has no replica identity' as finding,
    'alter table public.' || c.relname || ' replica identity full;' as fix
from pg_catalog.pg_publication_tables as t
inner join pg_catalog.pg_publication as p on t.pubname = p.pubname
inner join pg_catalog.pg_class as c
    on t.tablename = c.relname and c.relnamespace = 'public'::regnamespace
where
    t.schemaname = 'public'
    and c.relname = any(%(tables)s)
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
