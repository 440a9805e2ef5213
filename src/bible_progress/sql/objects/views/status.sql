create view progress.status
with (security_invoker = true) as
select
    s.package_version,
    s.schema_version,
    s.environment,
    progress.strategy() as strategy,
    s.rollout_step,
    current_setting('server_version') as server_version,
    (
        select count(*)
        from progress.versions as v
        where v.kind = 'audio'
    ) as audio_versions,
    (
        select count(*)
        from progress.versions as v
        where v.kind = 'text'
    ) as text_versions,
    (select count(*) from progress.version_rollup) as stored_versions,
    (select count(*) from public.progress_refresh_queue) as queue_depth,
    (
        select count(*)
        from (
            select
                d.kind,
                d.version_id
            from progress.signalled as d
            group by d.kind, d.version_id
        ) as v
    ) as dirty_versions,
    coalesce(
        extract(
            epoch from clock_timestamp() - (
                select min(q.enqueued_at) from public.progress_refresh_queue as q
            )
        ),
        0
    )::double precision as oldest_signal_seconds,
    (select count(*) from progress.unsettled_change) as unsettled_changes,
    (select count(*) from progress.failure) as failing_versions,
    (select count(*) from public.progress_refresh_dead_letter) as dead_letters,
    greatest(
        (select max(w.last_drain_at) from progress.worker as w),
        (select max(r.refreshed_at) from progress.version_rollup as r)
    ) as last_drain_at,
    (
        select count(*)
        from progress.worker as w
        where w.seen_at > clock_timestamp() - interval '15 seconds'
    ) as workers,
    s.cron_database
from progress.settings as s;

comment on view progress.status is
'One row: what there is, what waits, and whether anything drains.';
