-- Planned once a session: planning this view costs far more than running it.
create or replace function progress.exact_best_version(p_kind text, p_language_entity_id uuid)
returns uuid
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
    return (
        select b.version_id
        from progress.best_versions_by_source as b
        where
            b.source = 'exact'
            and b.kind = p_kind
            and b.language_entity_id = p_language_entity_id
    );
end
$$;

comment on function progress.exact_best_version(text, uuid) is
'The best version of a language as the base tables say in this snapshot; NULL where none covers
anything.';
