-- title: indexes that drains and reads use are missing
-- severity: warning
-- when: sound host
-- why: A drain of one chapter reads whole tables without them.
-- fix: Create them before the first build; rollout apply creates them too.
select
    'public.' || n.table_name || ' (' || concat_ws(', ', n.one, n.two) || ')' as finding,
    advice.statement as fix,
    advice.name as index_name
from (
    values
    ('books', 'bible_version_id', null),
    ('chapters', 'book_id', null),
    ('verses', 'chapter_id', 'verse_number'),
    ('audio_versions', 'language_entity_id', null),
    ('audio_versions', 'bible_version_id', null),
    ('text_versions', 'language_entity_id', null),
    ('text_versions', 'bible_version_id', null),
    ('media_files', 'audio_version_id', 'chapter_id'),
    ('media_files', 'audio_version_id', 'start_verse_id'),
    ('media_files_verses', 'media_file_id', null),
    ('media_files_verses', 'verse_id', null),
    ('verse_texts', 'text_version_id', 'verse_id')
) as n (table_name, one, two)
inner join pg_catalog.pg_class as c
    on n.table_name = c.relname and c.relnamespace = 'public'::regnamespace
cross join
    lateral (
        select
            'progress_' || concat_ws('_', n.table_name, n.one, n.two) || '_idx' as name,
            'create index ' || case c.relkind when 'p' then '' else 'concurrently ' end
            || 'progress_' || concat_ws('_', n.table_name, n.one, n.two)
            || '_idx on public.' || n.table_name
            || ' (' || concat_ws(', ', n.one, n.two) || ');' as statement
    ) as advice
where
    not exists (
        select
        from pg_catalog.pg_index as i
        where
            i.indrelid = c.oid
            and i.indisvalid
            -- Its queries look for one value of the first column, and never for deleted rows.
            and regexp_replace(
                coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
                '\mdeleted_at IS NULL\M|\m' || n.one || ' IS NOT NULL\M|\mAND\M|[ ()]',
                '',
                'g'
            ) = ''
            and (
                select a.attname
                from pg_catalog.pg_attribute as a
                where a.attrelid = i.indrelid and a.attnum = i.indkey[0]
            ) = n.one
            and (
                n.two is null
                or (
                    select a.attname
                    from pg_catalog.pg_attribute as a
                    where a.attrelid = i.indrelid and a.attnum = i.indkey[1]
                ) = n.two
            )
    )
order by fix;
