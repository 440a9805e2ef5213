-- Signals come with writes and go with drains, and what a drain writes it stamps.
create or replace function progress.version_states()
returns table (kind text, version_id uuid, mark text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select s.kind, s.version_id, max(s.mark)
    from (
        select r.kind, r.version_id, r.refreshed_at::text as mark
        from progress.version_rollup as r
        union all
        select q.kind, q.version_id, 'signal ' || count(*) || ' ' || max(q.enqueued_at)
        from progress.queued as q
        group by q.kind, q.version_id
    ) as s
    group by s.kind, s.version_id;
end
$$;

comment on function progress.version_states() is
'A mark for each version: where it differs between two looks, the version''s numbers may have
changed in between.';
