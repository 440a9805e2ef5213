-- title: statuses that count nothing
-- severity: warning
-- when: sound host
-- why: A recording counts with media_type audio, upload_status completed, publish_status published
--   and is_bible_audio true, spelled exactly so.
-- fix: Where these stand for one of them, write it as it counts.
select
    'media_files.' || s.column_name || ' is ' || coalesce(quote_literal(s.status), 'NULL')
    || ' in ' || count(*) || ' rows' as finding,
    case
        when s.status is not null
            then
                format(
                    'update public.media_files set %%I = %%L where %%I = %%L;',
                    s.column_name,
                    s.counts,
                    s.column_name,
                    s.status
                )
    end as fix
from public.media_files as f
cross join
    lateral (
        values
        (
            'media_type',
            f.media_type::text,
            'audio',
            array['audio', 'video', 'image']
        ),
        (
            'upload_status',
            f.upload_status::text,
            'completed',
            array['pending', 'uploading', 'completed', 'failed']
        ),
        (
            'publish_status',
            f.publish_status::text,
            'published',
            array['pending', 'published', 'archived']
        ),
        (
            'is_bible_audio',
            f.is_bible_audio::text,
            'true',
            array['true', 'false']
        )
    ) as s (column_name, status, counts, known)
where
    f.deleted_at is null
    and (s.status is null or s.status <> all(s.known))
group by
    s.column_name,
    s.status,
    s.counts
union all
select
    'media_files.' || n.column_name || ' can never be ' || quote_literal(n.counts) as finding,
    format(
        'alter type %%s add value %%L;', a.atttypid::regtype, n.counts
    ) as fix
from (
    values
    ('media_type', 'audio'),
    ('upload_status', 'completed'),
    ('publish_status', 'published')
) as n (column_name, counts)
inner join pg_catalog.pg_attribute as a
    on a.attrelid = 'public.media_files'::regclass and n.column_name = a.attname
inner join pg_catalog.pg_type as t on a.atttypid = t.oid
where
    t.typtype = 'e'
    and not exists (
        select
        from pg_catalog.pg_enum as e
        where e.enumtypid = t.oid and e.enumlabel = n.counts
    )
order by finding;
