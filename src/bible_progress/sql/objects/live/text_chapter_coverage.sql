create or replace view public.text_chapter_coverage
with (security_invoker = true) as
select
    c.version_id as text_version_id,
    c.chapter_id,
    c.covered_verses as verses_with_text,
    c.total_verses,
    progress.is_complete(c.covered_verses, c.total_verses) as is_complete,
    c.book_id,
    c.book_number,
    c.chapter_number
from progress.live_chapters as c
where c.kind = 'text';

comment on view public.text_chapter_coverage is
'From the base tables as they are now: every chapter of each text version''s canon, zeros
included.';
