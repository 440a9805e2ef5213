-- title: texts or timings that may be there twice
-- severity: error
-- when: sound host
-- why: A verse would count twice. Partial indexes may leave out the deleted rows only.
-- fix: Remove the duplicates, then create the unique index.
select
    'public.' || n.table_name || ' has no unique index on (' || n.one || ', ' || n.two
    || ')' as finding,
    'create unique index concurrently on public.' || n.table_name || ' (' || n.one || ', ' || n.two
    || ') where deleted_at is null;' as fix
from (
    values
    ('verse_texts', 'text_version_id', 'verse_id'),
    ('media_files_verses', 'media_file_id', 'verse_id')
) as n (table_name, one, two)
where
    not exists (
        select
        from pg_catalog.pg_index as i
        where
            i.indrelid = ('public.' || n.table_name)::regclass
            and i.indisunique
            and i.indisvalid
            and i.indexprs is null
            and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = '(deleted_at IS NULL)')
            and (
                select array_agg(a.attname::text order by a.attname::text)
                from pg_catalog.pg_attribute as a
                where
                    a.attrelid = i.indrelid
                    and a.attnum = any(i.indkey[0:i.indnkeyatts - 1])
            ) = (
                select array_agg(k.col order by k.col)
                from unnest(array[n.one, n.two]) as k (col)
            )
    )
order by finding;
