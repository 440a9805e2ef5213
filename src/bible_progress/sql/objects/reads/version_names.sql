-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.version_names(p_kinds text[], p_version_ids uuid[])
returns table (kind text, version_id uuid, name text, is_deleted boolean)
language plpgsql
stable
rows 50
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    select w.kind, w.version_id, v.name, v.version_id is null
    from (select distinct o.* from unnest(p_kinds, p_version_ids) as o (kind, version_id)) as w
    left join (
        select o.kind, o.version_id, o.name
        from progress.versions as o
        where o.version_id = any (p_version_ids)
    ) as v on w.kind = v.kind and w.version_id = v.version_id;
end
$$;

comment on function progress.version_names(text[], uuid[]) is
'How these versions are called, for lists of what waits or fails: is_deleted for those that are not
there any more, which have no name.';
