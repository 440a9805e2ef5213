create materialized view if not exists public.mv_text_version_progress_summary as
select
    v.version_id as text_version_id,
    v.covered_verses,
    v.total_verses,
    progress.fraction(v.covered_verses, v.total_verses) as verse_fraction,
    v.complete_chapters,
    v.total_chapters,
    progress.chapter_fraction(
        'text'::text, v.chapters_with_any, v.complete_chapters, v.total_chapters
    ) as chapter_fraction,
    v.books_complete,
    v.total_books,
    progress.fraction(v.books_complete, v.total_books) as book_fraction,
    v.chapters_with_any as chapters_with_text
from progress.computed_versions('text') as v
with no data;

create unique index if not exists mv_text_version_progress_summary_key
on public.mv_text_version_progress_summary (text_version_id);

comment on materialized view public.mv_text_version_progress_summary is
'As of the last refresh: one row for each text version that is not deleted.';
