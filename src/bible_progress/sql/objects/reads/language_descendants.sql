-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.language_descendants(p_language_entity_id uuid)
returns setof uuid
language plpgsql
stable
rows 10
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Without union all, so that a circle of parents ends.
    return query
    with recursive below (id) as (
        select p_language_entity_id
        union
        select l.id
        from public.language_entities as l
        inner join below as b on l.parent_id = b.id
        where l.deleted_at is null
    )

    select b.id from below as b;
end
$$;

comment on function progress.language_descendants(uuid) is
'A language and all that are below it and not deleted.';
