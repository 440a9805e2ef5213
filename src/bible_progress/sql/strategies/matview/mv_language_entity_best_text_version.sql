-- progress: also audio for text
create materialized view if not exists public.mv_language_entity_best_text_version as
select
    b.language_entity_id,
    b.version_id as text_version_id
from progress.computed_best_versions('text') as b
with no data;

create unique index if not exists mv_language_entity_best_text_version_key
on public.mv_language_entity_best_text_version (language_entity_id);

comment on materialized view public.mv_language_entity_best_text_version is
'As of the last refresh: the best text version of each language that has any.';
