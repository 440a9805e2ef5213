create or replace function progress.has_unsettled_changes()
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select
        from progress.unsettled_change as u
        where u.xid >= (select s.xid from progress.queue_start as s)
    );
end
$$;

comment on function progress.has_unsettled_changes() is
'Whether changes of structure wait until the transactions that ran beside them have ended.';
