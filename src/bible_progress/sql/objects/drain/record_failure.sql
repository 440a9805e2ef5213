-- Full jitter: versions that failed together must not all come back together.
create or replace function progress.record_failure(
    p_kind text, p_version_id uuid, p_error text
)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_version_ids uuid[] := progress.drain_group(p_kind, p_version_id);
    v_jitter double precision := random();
    v_now timestamptz := clock_timestamp();
    v_may_pass boolean := progress.may_pass(left(p_error, 5));
begin
    insert into progress.failure as f (
        kind, version_id, attempts, next_attempt_at, last_error, failing_since, fault_since
    )
    select
        p_kind,
        v.id,
        1,
        v_now,
        p_error,
        v_now,
        case when not v_may_pass then v_now end
    from unnest(v_version_ids) as v (id)
    on conflict (kind, version_id) do update
    set
        attempts = f.attempts + 1,
        last_error = excluded.last_error,
        failed_at = v_now,
        -- A clock that went back.
        failing_since = least(f.failing_since, v_now),
        fault_since = least(f.fault_since, excluded.fault_since);

    update progress.failure as f
    set
        next_attempt_at = v_now + v_jitter * least(
            s.backoff_cap, s.backoff_base * (2 ^ least(f.attempts, 30))
        )
    from progress.settings as s
    where f.kind = p_kind and f.version_id = any (v_version_ids);

    with dying as (
        delete from progress.failure as f
        using progress.settings as s
        where
            not v_may_pass
            and f.kind = p_kind
            and f.version_id = any (v_version_ids)
            and f.fault_since <= v_now - s.dead_after
        returning f.version_id, f.attempts, f.failing_since
    ),

    moved as (
        delete from public.progress_refresh_queue as q
        using dying as d
        where
            q.kind = p_kind
            and q.version_id = d.version_id
            and q.xid >= (select s.xid from progress.queue_start as s)
            -- As the drain claims them.
            and (
                pg_visible_in_snapshot(q.xid, (select pg_current_snapshot()))
                or q.xid = pg_current_xact_id_if_assigned()
            )
        returning q.version_id, q.chapter_id, q.enqueued_at, d.attempts, d.failing_since
    )

    insert into public.progress_refresh_dead_letter as d (
        kind, version_id, chapter_id, enqueued_at, attempts, last_error, failing_since
    )
    select
        p_kind,
        m.version_id,
        m.chapter_id,
        min(m.enqueued_at),
        max(m.attempts),
        p_error,
        min(m.failing_since)
    from moved as m
    group by m.version_id, m.chapter_id
    on conflict (kind, version_id, chapter_id) do update
    set
        attempts = excluded.attempts,
        last_error = excluded.last_error,
        failing_since = least(d.failing_since, excluded.failing_since),
        died_at = clock_timestamp();

    return case
        when exists (
            select from progress.failure as f where f.kind = p_kind and f.version_id = p_version_id
        ) then 'failed'
        else 'dead'
    end;
end
$$;

comment on function progress.record_failure(text, uuid, text) is
'Note that a drain of this version, and of those drained with it, failed: their signals stay and the
next attempt is put off. After settings.dead_after of errors that do not pass by themselves the signals
move to the dead letters. p_error begins with the SQLSTATE. Returns failed or dead. The caller holds
the version''s lock.';
