create or replace function progress.exact_best_version(p_kind text, p_language_entity_id uuid)
returns uuid
language sql
stable
set search_path = ''
as $$
select b.version_id
from progress.best_versions_by_source as b
where
    b.source = 'exact'
    and b.kind = p_kind
    and b.language_entity_id = p_language_entity_id
$$;

comment on function progress.exact_best_version(text, uuid) is
'The best version of a language as the base tables say in this snapshot; NULL where none covers
anything.';
