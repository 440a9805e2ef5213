create materialized view if not exists public.mv_text_chapter_coverage as
select
    c.version_id as text_version_id,
    c.chapter_id,
    c.covered_verses as verses_with_text,
    c.total_verses,
    progress.is_complete(c.covered_verses, c.total_verses) as is_complete,
    c.book_id,
    c.book_number,
    c.chapter_number
from progress.computed_chapters('text') as c
with no data;

create unique index if not exists mv_text_chapter_coverage_key
on public.mv_text_chapter_coverage (text_version_id, chapter_id);

comment on materialized view public.mv_text_chapter_coverage is
'As of the last refresh: every chapter of each text version''s canon, zeros included.';
