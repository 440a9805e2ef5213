-- progress: also audio for text
create or replace view public.mv_language_entity_best_text_version
with (security_invoker = true) as
select
    b.language_entity_id,
    b.version_id as text_version_id
from progress.stored_best_versions as b
where b.kind = 'text';

comment on view public.mv_language_entity_best_text_version is
'Stored: the best text version of each language that has any.';
