create or replace view public.audio_verse_coverage
with (security_invoker = true) as
select
    r.audio_version_id,
    r.verse_id,
    r.chapter_id
from progress.recorded_verses as r
union
-- Verses with timings of their own.
select
    r.audio_version_id,
    v.id as verse_id,
    v.chapter_id
from progress.recordings as r
inner join public.media_files_verses as t on r.id = t.media_file_id
inner join public.verses as v on t.verse_id = v.id
inner join progress.canon_chapters as c
    on
        v.chapter_id = c.chapter_id
        and r.bible_version_id = c.bible_version_id
where t.deleted_at is null;

comment on view public.audio_verse_coverage is
'The verses that an audio version has: by whole chapters, verse ranges and verse timings of its
published recordings, in its own canon.';
