create or replace view public.mv_audio_verse_coverage
with (security_invoker = true) as
select
    s.version_id as audio_version_id,
    s.verse_id,
    s.chapter_id
from progress.stored_verses as s
where s.kind = 'audio';

comment on view public.mv_audio_verse_coverage is
'Stored: the verses that an audio version has.';
