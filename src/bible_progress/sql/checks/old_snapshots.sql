-- title: a snapshot that keeps dead rows in the queue
-- severity: advice
-- when: installed
-- needs: progress.oldest_snapshot
-- why: Vacuum removes no row that somebody might still see. Drains and exact reads pass by the dead
--   rows of the queue, everything else in the database grows and slows down.
-- fix: End the transaction, the prepared transaction or the replication slot that holds it.
select
    pg_stat_get_dead_tuples('public.progress_refresh_queue'::regclass)
    || ' dead rows in public.progress_refresh_queue; the oldest snapshot was taken '
    || o.transactions || ' transactions ago' as finding
from progress.oldest_snapshot as o
where
    o.transactions >= 1000
    and pg_stat_get_dead_tuples('public.progress_refresh_queue'::regclass) >= 10000;
