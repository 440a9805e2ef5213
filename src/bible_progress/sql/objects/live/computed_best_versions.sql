-- Materialized views call this instead of naming our views, so that an upgrade can make those anew
-- under them. Inlined, hence no pinned search_path: fully qualified instead.
create or replace function progress.computed_best_versions(p_kind text)
returns table (
    language_entity_id uuid, version_id uuid
)
language sql
stable
rows 100
as $$
select s.language_entity_id, s.version_id
from progress.stored_best_versions as s
where s.kind = p_kind
$$;

comment on function progress.computed_best_versions(text) is
'The best versions of a kind as a refresh of materialized views computes them: from the stored
versions.';
