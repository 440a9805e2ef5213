create or replace view public.audio_book_coverage
with (security_invoker = true) as
select
    b.version_id as audio_version_id,
    b.book_id,
    b.complete_chapters,
    b.total_chapters,
    progress.is_complete(b.covered_verses, b.total_verses) as is_complete,
    b.covered_verses,
    b.total_verses,
    b.chapters_with_any as chapters_with_audio,
    b.book_number
from progress.books_by_source as b
where
    b.source = 'live'
    and b.kind = 'audio';

comment on view public.audio_book_coverage is
'From the base tables as they are now: every book of each audio version''s canon, zeros included.';
