-- One statement, so one snapshot, decides. Transactions below its xmin have ended and can queue
-- nothing more; what they queued is gone below the first signal that it sees. So it is for every
-- later snapshot, and only those see the row. docs/decisions/0014-old-snapshots.md
create or replace function progress.advance_watermark()
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_start xid8;
begin
    if
        current_setting('transaction_isolation') <> 'read committed'
        or current_setting('transaction_read_only')::boolean
        or not pg_try_advisory_xact_lock(hashtextextended('bible-progress/watermark', 0))
    then
        return false;
    end if;
    v_start := (select s.xid from progress.queue_start as s);

    with made as (
        insert into progress.queue_watermark (xid)
        select first.xid
        from (
            select
                least(
                    pg_snapshot_xmin(pg_current_snapshot()),
                    (
                        select q.xid
                        from public.progress_refresh_queue as q
                        where q.xid >= v_start
                        order by q.xid
                        limit 1
                    ),
                    (
                        select u.xid
                        from progress.unsettled_change as u
                        where u.xid >= v_start
                        order by u.xid
                        limit 1
                    ),
                    (
                        select d.xid
                        from progress.deleted_media_file as d
                        where d.xid >= v_start
                        order by d.xid
                        limit 1
                    )
                ) as xid
        ) as first
        where first.xid > v_start
        returning xid
    )

    -- The one before only: looking for more would pass over all that were ever there.
    delete from progress.queue_watermark as w
    using made
    where w.xid = v_start;
    return exists (select from progress.queue_watermark as w where w.xid > v_start);
end
$$;

comment on function progress.advance_watermark() is
'Let look-ups begin at the first signal or note that there is, as far as no running transaction can
queue one before it. Returns whether that changed anything.';
