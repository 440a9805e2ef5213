-- title: pairs that must be unique are not
-- severity: error
-- when: sound host
-- why: A verse would count twice. An index may leave out rows that never count: deleted ones, those
--   of no version, recording or verse, and empty texts.
-- fix: Remove the duplicates, then create the unique index.
with
pairs (table_name, one, two, content) as (
    values
    ('verse_texts', 'text_version_id', 'verse_id', 'verse_text'),
    ('media_files_verses', 'media_file_id', 'verse_id', 'media_file_id')
),

tables as (
    select
        p.table_name,
        p.one,
        p.two,
        p.content,
        c.oid as table_oid,
        c.relkind as table_kind,
        -- Columns that partitions are chosen by, at any level, which a unique index must contain.
        array(
            select distinct coalesce(a.attname::text, 'an expression')
            from pg_partition_tree(c.oid) as part
            inner join pg_catalog.pg_partitioned_table as pt on part.relid = pt.partrelid
            cross join lateral unnest(pt.partattrs::smallint[]) as k (attnum)
            left join pg_catalog.pg_attribute as a
                on pt.partrelid = a.attrelid and k.attnum = a.attnum and k.attnum > 0
            where coalesce(a.attname::text, '') not in (p.one, p.two)
            order by coalesce(a.attname::text, 'an expression')
        ) as other_keys
    from pairs as p
    inner join pg_catalog.pg_class as c
        on p.table_name = c.relname and c.relnamespace = 'public'::regnamespace
)

select
    'public.' || t.table_name || ' has no unique index on (' || t.one || ', ' || t.two || ')'
    || case
        when cardinality(t.other_keys) > 0
            then
                ', and cannot have one while it is partitioned by '
                || array_to_string(t.other_keys, ', ')
        else ''
    end as finding,
    case
        when cardinality(t.other_keys) = 0
            then
                format(
                    'create unique index %%son public.%%s (%%s, %%s) where deleted_at is null;',
                    case t.table_kind when 'p' then '' else 'concurrently ' end,
                    t.table_name,
                    t.one,
                    t.two
                )
    end as fix
from tables as t
where
    not exists (
        select
        from pg_catalog.pg_index as i
        cross join
            lateral (
                -- The same without taking NULL for an empty text, or an empty text for NULL.
                select regexp_replace(
                    regexp_replace(
                        regexp_replace(
                            coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
                            '\mCOALESCE\((\(?' || t.content || '\)?(::text)?), ''''::text\)',
                            '\1',
                            'g'
                        ),
                        '\mNULLIF\(([^,]*\m' || t.content || '\M[^,]*), ''''::text\) IS NOT NULL\M',
                        '\1 <> ''''::text',
                        'g'
                    ),
                    '\mNOT \(([^,=<>]*\m' || t.content || '\M[^,=<>]*) = ''''::text\)',
                    '\1 <> ''''::text',
                    'g'
                ) as text
            ) as said_shorter
        cross join
            lateral (
                -- What is true of every row that counts is taken out; of the others something is
                -- left beside AND.
                select regexp_replace(
                    regexp_replace(
                        said_shorter.text,
                        '\m(' || t.one || '|' || t.two || '|' || t.content || ') IS NOT NULL\M'
                        || '|\mdeleted_at IS NULL\M'
                        || '|\mNOT \(deleted_at IS NOT NULL\)'
                        || '|(\m(length|char_length|character_length|octet_length)\()?'
                        || '(\m(btrim|ltrim|rtrim)\(|\mTRIM\((BOTH|LEADING|TRAILING) FROM )?'
                        || '\(?\m' || t.content || '\M\)?(::text)?\)*'
                        || '( (<>|>) ''''::(text|bpchar)| > 0\M| >= 1\M| <> 0\M)',
                        '',
                        'g'
                    ),
                    '\mAND\M|[ ()]',
                    '',
                    'g'
                ) as text
            ) as other_conditions
        where
            i.indrelid = t.table_oid
            and i.indisunique
            and i.indisvalid
            and i.indexprs is null
            and other_conditions.text = ''
            and (
                select array_agg(a.attname::text order by a.attname::text)
                from pg_catalog.pg_attribute as a
                where
                    a.attrelid = i.indrelid
                    and a.attnum = any(i.indkey[0:i.indnkeyatts - 1])
            ) = (
                select array_agg(k.col order by k.col)
                from unnest(array[t.one, t.two]) as k (col)
            )
    )
order by finding;
