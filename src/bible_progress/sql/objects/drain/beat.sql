create or replace function progress.beat(
    p_worker_id uuid, p_description text, p_drained bigint, p_last_drain_at timestamptz
)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into progress.worker as w (worker_id, description, drained, last_drain_at)
    values (p_worker_id, p_description, p_drained, p_last_drain_at)
    on conflict (worker_id) do update
    set
        seen_at = clock_timestamp(),
        drained = excluded.drained,
        last_drain_at = excluded.last_drain_at;
end
$$;

comment on function progress.beat(uuid, text, bigint, timestamptz) is
'Note that a worker runs, for the status.';
