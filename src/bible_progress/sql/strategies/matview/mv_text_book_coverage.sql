-- progress: also audio for text
create materialized view if not exists public.mv_text_book_coverage as
select
    b.version_id as text_version_id,
    b.book_id,
    b.complete_chapters,
    b.total_chapters,
    progress.is_complete(b.covered_verses, b.total_verses) as is_complete,
    b.covered_verses,
    b.total_verses,
    b.chapters_with_any as chapters_with_text,
    b.book_number
from progress.computed_books('text') as b
with no data;

create unique index if not exists mv_text_book_coverage_key
on public.mv_text_book_coverage (text_version_id, book_id);

comment on materialized view public.mv_text_book_coverage is
'As of the last refresh: every book of each text version''s canon, zeros included.';
