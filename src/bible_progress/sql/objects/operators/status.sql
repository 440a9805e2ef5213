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
    (select count(*) from progress.queued) as queue_depth,
    (
        select count(*)
        from (
            select
                d.kind,
                d.version_id
            from progress.signalled as d
            group by d.kind, d.version_id
        ) as v
    ) + unsignalled.missing as dirty_versions,
    -- A signal of a time that is yet to come is from before the clock went back: as old as that.
    coalesce(
        (
            select
                extract(
                    epoch from greatest(
                        clock_timestamp() - min(q.enqueued_at),
                        max(q.enqueued_at) - clock_timestamp()
                    )
                )
            from progress.queued as q
        ),
        0
    )::double precision as oldest_signal_seconds,
    (
        select count(*)
        from progress.unsettled_change as u
        where u.xid >= (select b.xid from progress.queue_start as b)
    ) as unsettled_changes,
    (select count(*) from progress.failure) as failing_versions,
    (select count(*) from public.progress_refresh_dead_letter) as dead_letters,
    (
        -- None is later than now, though the clock may have gone back since.
        select least(max(d.at), clock_timestamp())
        from (
            select w.last_drain_at as at from progress.worker as w
            union all
            select r.refreshed_at as at from progress.version_rollup as r
        ) as d
        having max(d.at) is not null
    ) as last_drain_at,
    (
        select count(*)
        from progress.worker as w
        where abs(extract(epoch from clock_timestamp() - w.seen_at)) < 15
    ) as workers,
    s.cron_database,
    (
        select extract(epoch from greatest(clock_timestamp() - min(f.since), '0'))
        from (
            select failing_since as since from progress.failure
            union all
            select failing_since as since from public.progress_refresh_dead_letter
        ) as f
        having count(*) > 0
    )::double precision as failing_seconds,
    unsignalled.versions as unsignalled_versions,
    (select count(*) from progress.unfilled_views) as unfilled_views,
    (
        select count(*)
        from public.progress_refresh_queue as q
        where
            q.xid >= pg_snapshot_xmax(pg_current_snapshot())
            and q.xid is distinct from pg_current_xact_id_if_assigned()
    ) + (
        select count(*)
        from progress.unsettled_change as u
        where
            u.xid >= (select b.xid from progress.queue_start as b)
            and greatest(u.xid, u.settles_at) >= pg_snapshot_xmax(pg_current_snapshot())
            and u.xid is distinct from pg_current_xact_id_if_assigned()
    ) as foreign_numbers,
    coalesce(old.transactions, 0) as oldest_snapshot_transactions,
    coalesce(old.seconds, 0)::double precision as oldest_snapshot_seconds,
    pg_stat_get_dead_tuples('public.progress_refresh_queue'::regclass) as queue_dead_rows
from progress.settings as s
cross join (
    select
        count(*) as versions,
        count(*) filter (where not u.is_stored) as missing
    from progress.unsignalled_versions() as u
) as unsignalled
left join progress.oldest_snapshot as old on true;

comment on view progress.status is
'One row: what there is, what waits, and whether anything drains.';
