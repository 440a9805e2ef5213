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
    if not p_descendants then
        return query
        select w.id, w.id
        from unnest(p_language_entity_ids) as w (id);
        return;
    end if;

    -- All at once, level by level. Without union all, so that a circle of parents ends.
    return query
    with recursive below (id, within) as (
        select w.id, w.id
        from unnest(p_language_entity_ids) as w (id)
        union
        select b.id, l.id
        from public.language_entities as l
        inner join below as b on l.parent_id = b.within
        where l.deleted_at is null
    )

    select b.id, b.within
    from below as b;
end
$$;

comment on function progress.languages_within(uuid[], boolean) is
'What counts as within each of these languages: itself, and with p_descendants all that are below
it and not deleted.';
