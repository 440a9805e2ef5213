create view progress.stored_books
with (security_invoker = true) as
select
    'audio'::text as kind,
    m.audio_version_id as version_id,
    m.book_id,
    m.covered_verses,
    m.total_verses,
    m.chapters_with_audio as chapters_with_any,
    m.complete_chapters,
    m.total_chapters,
    m.book_number
from public.mv_audio_book_coverage as m
union all
select
    'text'::text as kind,
    m.text_version_id as version_id,
    m.book_id,
    m.covered_verses,
    m.total_verses,
    m.chapters_with_text as chapters_with_any,
    m.complete_chapters,
    m.total_chapters,
    m.book_number
from public.mv_text_book_coverage as m;

comment on view progress.stored_books is
'The books of every version, from the materialized views.';
