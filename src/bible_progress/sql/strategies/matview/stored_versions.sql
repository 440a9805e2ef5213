create view progress.stored_versions
with (security_invoker = true) as
select
    'audio'::text as kind,
    m.audio_version_id as version_id,
    m.covered_verses,
    m.total_verses,
    m.chapters_with_audio as chapters_with_any,
    m.complete_chapters,
    m.total_chapters,
    m.books_complete,
    m.total_books,
    null::timestamptz as refreshed_at
from public.mv_audio_version_progress_summary as m
union all
select
    'text'::text as kind,
    m.text_version_id as version_id,
    m.covered_verses,
    m.total_verses,
    m.chapters_with_text as chapters_with_any,
    m.complete_chapters,
    m.total_chapters,
    m.books_complete,
    m.total_books,
    null::timestamptz as refreshed_at
from public.mv_text_version_progress_summary as m;

comment on view progress.stored_versions is
'Every version, from the materialized views.';
