create view progress.stored_chapters
with (security_invoker = true) as
select
    'audio'::text as kind,
    m.audio_version_id as version_id,
    m.book_id,
    m.chapter_id,
    m.covered_verses,
    m.total_verses,
    m.book_number,
    m.chapter_number
from public.mv_audio_chapter_coverage as m
union all
select
    'text'::text as kind,
    m.text_version_id as version_id,
    m.book_id,
    m.chapter_id,
    m.verses_with_text as covered_verses,
    m.total_verses,
    m.book_number,
    m.chapter_number
from public.mv_text_chapter_coverage as m;

comment on view progress.stored_chapters is
'The chapters of every version, from the materialized views.';
