create view progress.stored_verses
with (security_invoker = true) as
select
    'audio'::text as kind,
    m.audio_version_id as version_id,
    m.verse_id,
    m.chapter_id
from public.mv_audio_verse_coverage as m
union all
select
    'text'::text as kind,
    m.text_version_id as version_id,
    m.verse_id,
    m.chapter_id
from public.mv_text_verse_coverage as m;

comment on view progress.stored_verses is
'Covered verses from the materialized views, audio and text alike.';
