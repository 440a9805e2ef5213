-- Stable, so every statement here sees the snapshot of the query that calls it. Planned once a
-- session: planning these views costs far more than running them.
create or replace function progress.exact_best_version(
    p_kind text, p_language_entity_id uuid, p_stored boolean default false
)
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
-- A language has few versions and their rows are in memory: looking them up beats a scan of all.
set random_page_cost = 1.1
as $$
begin
    if not p_stored and (
        exists (
            select
            from progress.versions as v
            inner join progress.suspect as d on v.kind = d.kind and v.version_id = d.version_id
            where v.kind = p_kind and v.language_entity_id = p_language_entity_id
        )
        -- The rest of progress.dirty, where the language reaches an index.
        or exists (
            select
            from progress.unstored_versions as u
            where u.kind = p_kind and u.language_entity_id = p_language_entity_id
        )
        -- A language without versions has none that is dirty.
        or (progress.strategy() = 'matview' and not progress.is_filled())
    ) then
        return (
            select b.version_id
            from progress.exact_best_versions as b
            where
                b.kind = p_kind
                and b.language_entity_id = p_language_entity_id
        );
    end if;
    -- As stored_best_versions has it.
    return (
        select v.version_id
        from progress.versions as v
        inner join progress.stored_versions as s
            on v.kind = s.kind and v.version_id = s.version_id
        where
            v.kind = p_kind
            and v.language_entity_id = p_language_entity_id
            and s.covered_verses > 0
        order by
            progress.rank(
                v.kind,
                s.covered_verses,
                s.total_verses,
                s.chapters_with_any,
                s.complete_chapters,
                s.total_chapters,
                s.books_complete,
                s.total_books,
                v.created_at
            ) desc,
            v.version_id asc
        limit 1
    );
end
$$;

comment on function progress.exact_best_version(text, uuid, boolean) is
'The best version of a language as the base tables say in this snapshot; NULL where none covers
anything. With p_stored, as last drained.';
