create or replace function progress.revive_dead_letters(
    p_kind text default null, p_version_ids uuid[] default null
)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := clock_timestamp();
    v_retry_after interval;
    v_revived integer;
begin
    -- Mostly there are none, and this is asked before every drain.
    if not exists (select from public.progress_refresh_dead_letter) then
        return 0;
    end if;
    select s.retry_dead_after into v_retry_after from progress.settings as s;

    with revived as (
        delete from public.progress_refresh_dead_letter as d
        using (
            select l.ctid as place
            from public.progress_refresh_dead_letter as l
            where
                case
                    when p_kind is null
                        -- One that is to die only later died before the clock went back.
                        then l.died_at not between v_now - v_retry_after and v_now
                    else l.kind = p_kind and l.version_id = any (p_version_ids)
                end
            -- Not for those that a drain has, which takes its time.
            for update skip locked
        ) as due
        where d.ctid = due.place
        returning d.kind, d.version_id, d.chapter_id, d.attempts, d.last_error, d.failing_since
    ),

    -- It remembers: if this attempt fails too, there is no other before the next day.
    remembered as (
        insert into progress.failure as f (
            kind, version_id, attempts, next_attempt_at, last_error, failing_since, fault_since
        )
        select
            r.kind,
            r.version_id,
            max(r.attempts),
            v_now,
            max(r.last_error),
            min(r.failing_since),
            '-infinity'
        from revived as r
        group by r.kind, r.version_id
        on conflict (kind, version_id) do nothing
    )

    insert into public.progress_refresh_queue (kind, version_id, chapter_id)
    select r.kind, r.version_id, r.chapter_id
    from revived as r
    on conflict (kind, version_id, chapter_id, xid) do nothing;
    get diagnostics v_revived = row_count;
    return v_revived;
end
$$;

comment on function progress.revive_dead_letters(text, uuid[]) is
'Put the dead letters of these versions back into the queue for one attempt, or without a kind those
that have been dead for settings.retry_dead_after; returns how many.';
