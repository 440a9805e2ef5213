create or replace function progress.leave(p_worker_id uuid)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from progress.worker as w
    where
        w.worker_id = p_worker_id
        or abs(extract(epoch from clock_timestamp() - w.seen_at)) > 86400;
end
$$;

comment on function progress.leave(uuid) is
'Note that a worker has ended, and forget those that were killed a day ago.';
