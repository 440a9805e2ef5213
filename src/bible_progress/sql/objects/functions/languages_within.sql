-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.languages_within(
    p_language_entity_ids uuid[], p_descendants boolean
)
returns table (id uuid, within uuid)
language plpgsql
stable
rows 100
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    select w.id, d.id
    from unnest(p_language_entity_ids) as w (id)
    cross join lateral (
        select w.id
        where not p_descendants
        union all
        select b.id
        from progress.language_descendants(w.id) as b (id)
        where p_descendants
    ) as d;
end
$$;

comment on function progress.languages_within(uuid[], boolean) is
'What counts as within each of these languages: itself, and with p_descendants all that are below
it.';
