-- title: recordings with an end verse and no start verse
-- severity: warning
-- when: sound host
-- why: The end verse is ignored: they cover their chapter, or nothing where they name none.
-- fix: Give the start verse.
select
    'recording ' || f.id || ': ends at ' || f.end_verse_id
    || coalesce(' in chapter ' || f.chapter_id, '') as finding
from public.media_files as f
where
    f.deleted_at is null
    and f.start_verse_id is null
    and f.end_verse_id is not null
order by finding;
