-- progress: also audio for text
create or replace view public.language_entity_best_text_version
with (security_invoker = true) as
select
    b.language_entity_id,
    b.version_id as text_version_id
from progress.live_best_versions as b
where b.kind = 'text';

comment on view public.language_entity_best_text_version is
'From the base tables as they are now: the best text version of each language that has any.';
