create view progress.live_verses
with (security_invoker = true) as
select
    'audio'::text as kind,
    a.audio_version_id as version_id,
    a.verse_id,
    a.chapter_id
from public.audio_verse_coverage as a
union all
select
    'text'::text as kind,
    t.text_version_id as version_id,
    t.verse_id,
    t.chapter_id
from public.text_verse_coverage as t;

comment on view progress.live_verses is
'Covered verses from the base tables as they are now, audio and text alike.';
