-- Beginning where the first signal can be: what stands before is gone, but an old snapshot may keep
-- it in the table and its indexes, where every look-up would pass over it.
create view progress.queued
with (security_invoker = true) as
select
    q.kind,
    q.version_id,
    q.chapter_id,
    q.enqueued_at,
    q.xid,
    q.id
from public.progress_refresh_queue as q
where q.xid >= (select s.xid from progress.queue_start as s);

comment on view progress.queued is
'The signals in the queue, found without looking at those that are gone.';
