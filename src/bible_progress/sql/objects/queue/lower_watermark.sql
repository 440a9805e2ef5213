-- Ordinary writes bring no such rows; data that is copied into an installed database may. A mark
-- that is being moved just now was computed without them: it is waited for.
create or replace function progress.lower_watermark()
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '10s'
as $$
begin
    begin
        perform pg_advisory_xact_lock(hashtextextended('bible-progress/watermark', 0));
    exception
        when lock_not_available then
            return false;
    end;
    delete from progress.queue_watermark as w
    where
        exists (
            select
            from public.progress_refresh_queue as q
            where q.xid < w.xid
            union all
            select
            from progress.unsettled_change as u
            where u.xid < w.xid
        );
    return found;
end
$$;

comment on function progress.lower_watermark() is
'Take the watermark away where signals or notes stand before it, which only a copy brings. Returns
whether there were any.';
