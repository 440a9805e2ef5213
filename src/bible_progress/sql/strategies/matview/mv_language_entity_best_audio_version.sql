create materialized view if not exists public.mv_language_entity_best_audio_version as
select
    b.language_entity_id,
    b.version_id as audio_version_id
from progress.computed_best_versions('audio') as b
with no data;

create unique index if not exists mv_language_entity_best_audio_version_key
on public.mv_language_entity_best_audio_version (language_entity_id);

comment on materialized view public.mv_language_entity_best_audio_version is
'As of the last refresh: the best audio version of each language that has any.';
