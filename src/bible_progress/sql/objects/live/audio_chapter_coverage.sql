create or replace view public.audio_chapter_coverage
with (security_invoker = true) as
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
from progress.live_chapters as c
where c.kind = 'audio';

comment on view public.audio_chapter_coverage is
'From the base tables as they are now: every chapter of each audio version''s canon, zeros
included.';
