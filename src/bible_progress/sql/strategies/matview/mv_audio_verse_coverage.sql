create materialized view if not exists public.mv_audio_verse_coverage as
select
    s.version_id as audio_version_id,
    s.verse_id,
    s.chapter_id
from progress.computed_verses('audio') as s
with no data;

create unique index if not exists mv_audio_verse_coverage_key
on public.mv_audio_verse_coverage (audio_version_id, verse_id);

comment on materialized view public.mv_audio_verse_coverage is
'As of the last refresh: the verses that an audio version has.';
