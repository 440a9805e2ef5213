-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.language_freshness(
    p_language_entity_id uuid,
    p_descendants boolean default false,
    p_stored boolean default false,
    p_visible jsonb default null
)
returns table (as_of timestamptz, pending boolean, stale_seconds double precision)
language plpgsql
stable
rows 1
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_languages uuid[] := case
        when p_descendants
            then array(select progress.language_descendants(p_language_entity_id))
        else array[p_language_entity_id]
    end;
begin
    return query
    select f.as_of, f.pending, f.stale_seconds
    from (
        select array_agg(v.kind) as kinds, array_agg(v.version_id) as ids
        from progress.versions as v
        where
            v.language_entity_id = any (v_languages)
            and (
                p_visible is null
                or (
                    p_visible -> 'languages' ? v.language_entity_id::text
                    and p_visible -> v.kind ? v.version_id::text
                )
            )
    ) as counted
    cross join lateral progress.freshness_of(counted.kinds, counted.ids, p_stored) as f;
end
$$;

comment on function progress.language_freshness(uuid, boolean, boolean, jsonb) is
'Up to when the numbers of the versions of a language hold in this snapshot; with p_descendants, of
those below it too, with p_visible, of those in it.';
