create materialized view if not exists public.mv_audio_chapter_coverage as
select
    c.version_id as audio_version_id,
    c.chapter_id,
    c.covered_verses,
    c.total_verses,
    c.covered_verses > 0 as has_any,
    progress.is_complete(c.covered_verses, c.total_verses) as is_complete,
    c.book_id,
    c.book_number,
    c.chapter_number
from progress.computed_chapters('audio') as c
with no data;

create unique index if not exists mv_audio_chapter_coverage_key
on public.mv_audio_chapter_coverage (audio_version_id, chapter_id);

comment on materialized view public.mv_audio_chapter_coverage is
'As of the last refresh: every chapter of each audio version''s canon, zeros included.';
