-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.freshness_of(
    p_kinds text[], p_version_ids uuid[], p_stored boolean default false
)
returns table (as_of timestamptz, pending boolean, stale_seconds double precision)
language plpgsql
stable
rows 1
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        coalesce(min(f.as_of), progress.snapshot_time()),
        coalesce(bool_or(f.pending), false),
        case when count(*) = count(f.stale_seconds) then coalesce(max(f.stale_seconds), 0) end
    from unnest(p_kinds, p_version_ids) as v (kind, id)
    cross join lateral progress.freshness(v.kind, v.id, p_stored) as f;
end
$$;

comment on function progress.freshness_of(text[], uuid[], boolean) is
'Up to when the numbers of all of these versions hold in this snapshot: the oldest of what
progress.freshness says of each.';
