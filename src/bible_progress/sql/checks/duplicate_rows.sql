-- title: texts and timings that are there twice
-- severity: warning
-- when: sound host
-- why: The unique index that install needs cannot be made while they are.
-- fix: Keep one of each.
select
    'texts of version ' || t.text_version_id || ', ' || t.verse_id || ': '
    || string_agg(t.id::text, ', ' order by t.id) as finding
from public.verse_texts as t
where
    t.deleted_at is null
    and t.text_version_id is not null
    and t.verse_id is not null
group by
    t.text_version_id,
    t.verse_id
having count(*) > 1
union all
select
    'timings of recording ' || t.media_file_id || ', ' || t.verse_id || ': '
    || string_agg(t.id::text, ', ' order by t.id) as finding
from public.media_files_verses as t
where
    t.deleted_at is null
    and t.media_file_id is not null
    and t.verse_id is not null
group by
    t.media_file_id,
    t.verse_id
having count(*) > 1
order by finding;
