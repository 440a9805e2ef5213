-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.languages_with_versions()
returns table (id uuid, holder uuid)
language plpgsql
stable
rows 10000
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    -- Upwards, since most languages of a catalogue have no versions. Without union all, so that a
    -- circle of parents ends.
    return query
    with recursive above (id, holder) as (
        select h.language_entity_id, h.language_entity_id
        from (select distinct v.language_entity_id from progress.versions as v) as h
        union
        select l.parent_id, a.holder
        from above as a
        inner join public.language_entities as l on a.id = l.id
        where l.deleted_at is null and l.parent_id is not null
    )

    select a.id, a.holder
    from above as a
    where a.id is not null;
end
$$;

comment on function progress.languages_with_versions() is
'The languages that have versions (holder), each with itself and with every region above it (id), as
long as none in between is deleted.';
