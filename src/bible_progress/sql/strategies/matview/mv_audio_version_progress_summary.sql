create materialized view if not exists public.mv_audio_version_progress_summary as
select
    v.version_id as audio_version_id,
    v.covered_verses,
    v.total_verses,
    progress.fraction(v.covered_verses, v.total_verses) as verse_fraction,
    v.chapters_with_any as chapters_with_audio,
    v.total_chapters,
    progress.chapter_fraction(
        'audio'::text, v.chapters_with_any, v.complete_chapters, v.total_chapters
    ) as chapter_fraction,
    v.books_complete,
    v.total_books,
    progress.fraction(v.books_complete, v.total_books) as book_fraction,
    v.complete_chapters
from progress.computed_versions('audio') as v
with no data;

create unique index if not exists mv_audio_version_progress_summary_key
on public.mv_audio_version_progress_summary (audio_version_id);

comment on materialized view public.mv_audio_version_progress_summary is
'As of the last refresh: one row for each audio version that is not deleted.';
