-- title: signals that a copy brought from another server
-- severity: advice
-- when: installed
-- why: Their transaction numbers are none of this server. Until the first drain gives them others,
--   the versions concerned are read live.
-- fix: Let a worker, pg_cron or bible-progress refresh drain.
select found.finding
from (
    select
        1 as place,
        count(*) || ' signals in the queue' as finding
    from public.progress_refresh_queue as q
    where
        q.xid >= pg_snapshot_xmax(pg_current_snapshot())
        and q.xid is distinct from pg_current_xact_id_if_assigned()
    having count(*) > 0
    union all
    select
        2 as place,
        count(*) || ' changes of structure that wait to settle' as finding
    from progress.unsettled_change as u
    where
        greatest(u.xid, u.settles_at) >= pg_snapshot_xmax(pg_current_snapshot())
        and u.xid is distinct from pg_current_xact_id_if_assigned()
    having count(*) > 0
) as found
order by found.place;
