-- title: recordings whose start verse is not in their chapter
-- severity: warning
-- when: sound host
-- why: With a start verse the range counts, and the chapter is ignored.
-- fix: Correct whichever is wrong.
select
    'recording ' || f.id || ': chapter ' || f.chapter_id || ', start verse ' || f.start_verse_id
    || ' of chapter ' || v.chapter_id as finding
from public.media_files as f
inner join public.verses as v on f.start_verse_id = v.id
where
    f.deleted_at is null
    and f.chapter_id <> v.chapter_id
order by finding;
