-- name: due
-- Nothing here waits for the disk: what a crash takes away is done again, for it takes the removal
-- of the signals too. docs/decisions/0008-drains-do-not-wait-for-the-disk.md
select
    kind,
    version_id,
    oldest_at
from progress.due_versions(%(at_most)s)
cross join set_config('synchronous_commit', 'off', true);

-- name: drain
select
    outcome,
    signals,
    chapters,
    rows_changed,
    lag_seconds,
    error
from progress.drain_version(%(kind)s, %(version_id)s)
cross join set_config('synchronous_commit', 'off', true)
where not exists (
    select
    from progress.failure as f
    where
        f.kind = %(kind)s
        and (f.version_id = %(version_id)s or progress.strategy() <> 'incremental')
        and f.next_attempt_at > clock_timestamp()
);

-- name: warm_up
-- Plans are made once a connection and take longer than a drain. A version that is nowhere
-- makes them and writes nothing; only those for timings that may add verses wait for the first.
select
    progress.refresh_chapters(k.kind, k.nowhere, array[k.chapter_id]),
    progress.refresh_all_chapters(k.kind, k.nowhere),
    progress.refresh_summary(k.kind, k.nowhere, 0)
from (
    select
        kind.name as kind,
        '00000000-0000-0000-0000-000000000000'::uuid as nowhere,
        (select c.id from public.chapters as c limit 1) as chapter_id
    from (values ('audio'), ('text')) as kind (name)
) as k;

-- name: record_failure
select progress.record_failure(%(kind)s, %(version_id)s, %(error)s)
where
    exists (
        select
        from public.progress_refresh_queue as q
        where q.kind = %(kind)s and q.version_id = %(version_id)s
    )
    and pg_try_advisory_xact_lock(progress.version_lock_key(%(kind)s, %(version_id)s));

-- name: signal_all
select
    progress.signal_all('audio'),
    progress.signal_all('text');

-- name: signal_version
-- Both kinds are looked at: whoever gives an id need not know which it is.
with found as (
    select
        v.kind,
        v.version_id
    from progress.versions as v
    where v.version_id = %(version_id)s
    union
    select
        r.kind,
        r.version_id
    from progress.version_rollup as r
    where r.version_id = %(version_id)s
)

select
    f.kind,
    progress.signal(f.kind, array[f.version_id], array[null::text])
from found as f;

-- name: guard
select progress.guard(%(action)s, %(automated)s, %(reason)s);

-- name: beat
insert into progress.worker as w (worker_id, description, drained, last_drain_at)
values (%(worker_id)s, %(description)s, %(drained)s, %(last_drain_at)s)
on conflict (worker_id) do update
    set
        seen_at = clock_timestamp(),
        drained = excluded.drained,
        last_drain_at = excluded.last_drain_at;

-- name: leave
delete from progress.worker
where
    worker_id = %(worker_id)s
    or seen_at < clock_timestamp() - interval '1 day';

-- name: limit_statements
select set_config('statement_timeout', %(timeout)s, false);
