-- The inner limit bounds the work under a long queue; failing versions are left out before it, so
-- that their signals cannot hide those of others.
create or replace function progress.due_versions(p_limit integer)
returns table (kind text, version_id uuid, oldest_at timestamptz)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform progress.settle();

    return query
    select
        oldest.kind,
        oldest.version_id,
        min(oldest.enqueued_at) as oldest_at
    from (
        select q.id, q.kind, q.version_id, q.enqueued_at
        from public.progress_refresh_queue as q
        where not exists (
            select
            from progress.failure as f
            where
                f.kind = q.kind
                and (f.version_id = q.version_id or progress.strategy() <> 'incremental')
                and f.next_attempt_at > clock_timestamp()
        )
        order by q.id
        limit 20 * p_limit
    ) as oldest
    group by oldest.kind, oldest.version_id
    order by min(oldest.id)
    limit p_limit;
end
$$;

comment on function progress.due_versions(integer) is
'Versions with signals that are not backing off, oldest signal first, at most p_limit. Settles
changes of structure first.';
