create or replace view public.audio_version_progress_summary
with (security_invoker = true) as
select
    v.version_id as audio_version_id,
    v.covered_verses,
    v.total_verses,
    progress.fraction(v.covered_verses, v.total_verses) as verse_fraction,
    v.chapters_with_any as chapters_with_audio,
    v.total_chapters,
    progress.chapter_fraction(
        v.kind, v.chapters_with_any, v.complete_chapters, v.total_chapters
    ) as chapter_fraction,
    v.books_complete,
    v.total_books,
    progress.fraction(v.books_complete, v.total_books) as book_fraction,
    v.complete_chapters
from progress.live_version_sums as v
where v.kind = 'audio';

comment on view public.audio_version_progress_summary is
'From the base tables as they are now: one row for each audio version that is not deleted.';
