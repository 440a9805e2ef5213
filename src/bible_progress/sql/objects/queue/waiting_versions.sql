create or replace function progress.waiting_versions(p_limit integer)
returns table (kind text, version_id uuid, signals bigint, oldest_at timestamptz)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select q.kind, q.version_id, count(*), min(q.enqueued_at)
    from progress.queued as q
    group by q.kind, q.version_id
    order by min(q.enqueued_at)
    limit p_limit;
end
$$;

comment on function progress.waiting_versions(integer) is
'The versions in the queue with how many signals they have and since when, the longest first, at
most p_limit.';
