-- The order is the promise: lock, then claim, then compute, each in a snapshot of its own.
-- Computing before the lock could overwrite newer numbers; deleting signals after computing could
-- delete one whose change was not seen. docs/decisions/0004-one-transaction-per-drain.md
create or replace function progress.drain_version(
    p_kind text,
    p_version_id uuid,
    p_when_due boolean default false,
    p_schema_version integer default null
)
returns table (
    outcome text,
    signals integer,
    chapters integer,
    rows_changed integer,
    lag_seconds double precision,
    error text
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_version_ids uuid[];
    v_whole boolean;
    v_chapter_ids text[];
    v_oldest_at timestamptz;
    v_timeout interval := current_setting('statement_timeout')::interval;
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'a drain must run in a READ COMMITTED transaction, this one is %',
            upper(current_setting('transaction_isolation'))
            using errcode = 'BP004',
            hint = 'Call it outside of a transaction, or begin one with isolation level read committed.';
    end if;

    signals := 0;
    chapters := 0;
    rows_changed := 0;
    -- An install or a change of strategy holds the first: numbers computed beside it are lost.
    if not pg_try_advisory_xact_lock_shared(progress.install_lock_key()) then
        outcome := 'locked';
        return next;
        return;
    end if;
    if not pg_try_advisory_xact_lock(progress.version_lock_key(p_kind, p_version_id)) then
        outcome := 'locked';
        return next;
        return;
    end if;

    if p_when_due then
        -- Another drain may have failed with it since it was listed: that is one attempt.
        if progress.is_backing_off(p_kind, p_version_id) then
            return;
        end if;
        -- Nothing here waits for the disk: what a crash takes away is done again, for it takes the
        -- removal of the signals too. docs/decisions/0008-drains-do-not-wait-for-the-disk.md
        -- A caller's own writes must not go.
        if pg_current_xact_id_if_assigned() is null then
            perform set_config('synchronous_commit', 'off', true);
        end if;
    end if;
    -- An upgrade may have come while the statement began; under the lock none comes any more.
    if p_schema_version is not null then
        perform progress.require_schema(p_schema_version);
    end if;

    v_version_ids := progress.drain_group(p_kind, p_version_id);
    begin
        with claimed as (
            delete from public.progress_refresh_queue as q
            where
                q.kind = p_kind
                and q.version_id = any (v_version_ids)
                and q.xid >= (select s.xid from progress.queue_start as s)
                -- A copied row may stand for the signal of a transaction that still runs.
                and (
                    pg_visible_in_snapshot(q.xid, (select pg_current_snapshot()))
                    or q.xid = pg_current_xact_id_if_assigned()
                )
            returning q.version_id, q.chapter_id, q.enqueued_at
        ),

        -- What is recomputed now is no longer dead.
        recomputed as (
            delete from public.progress_refresh_dead_letter as d
            where
                d.kind = p_kind
                and d.version_id = any (v_version_ids)
                and exists (
                    select
                    from claimed as c
                    where
                        c.version_id = d.version_id
                        and (c.chapter_id is null or c.chapter_id = d.chapter_id)
                )
        )

        select
            count(*),
            min(c.enqueued_at),
            coalesce(bool_or(c.chapter_id is null), false),
            array_agg(distinct c.chapter_id) filter (where c.chapter_id is not null)
        into signals, v_oldest_at, v_whole, v_chapter_ids
        from claimed as c;

        if signals = 0 then
            outcome := 'clean';
            return next;
            return;
        end if;

        if progress.strategy() <> 'incremental' then
            rows_changed := progress.refresh_materialized_views(p_kind);
        else
            -- Signals of a version that came past the triggers name what changed since.
            if v_whole or not exists (
                select
                from progress.version_rollup as r
                where r.kind = p_kind and r.version_id = p_version_id
            ) then
                rows_changed := progress.refresh_all_chapters(p_kind, p_version_id);
            else
                chapters := cardinality(v_chapter_ids);
                rows_changed := progress.refresh_chapters(p_kind, p_version_id, v_chapter_ids);
            end if;
            rows_changed := rows_changed
                + progress.refresh_summary(p_kind, p_version_id, rows_changed);
        end if;

        delete from progress.failure as f
        where f.kind = p_kind and f.version_id = any (v_version_ids);
        -- Where this went well, the rest may too.
        perform progress.revive_dead_letters(p_kind, v_version_ids);
        outcome := 'drained';
        lag_seconds := greatest(extract(epoch from clock_timestamp() - v_oldest_at), 0);
    exception
        -- "others" leaves out cancelled statements and failed assertions; a timeout is a failure
        -- like any other, and without a record of it the version would be tried at once again.
        when query_canceled or assert_failure or others then
            -- A cancel by hand is nobody's failure. The timer starts a little before the statement.
            if
                sqlstate = '57014'
                and (
                    v_timeout = '0'
                    or clock_timestamp() - statement_timestamp() < 0.9 * v_timeout
                )
            then
                raise;
            end if;
            get stacked diagnostics error = message_text;
            error := sqlstate || ': ' || error;
            rows_changed := 0;
            outcome := progress.record_failure(p_kind, p_version_id, error);
    end;
    return next;
end
$$;

comment on function progress.drain_version(text, uuid, boolean, integer) is
'Claim the signals of a version and refresh what they name, in this transaction. Outcome: drained,
clean (no signal), locked (another drain has it), failed (signals kept, retried later) or dead
(signals moved to the dead letters). lag_seconds is the age of the oldest signal when its numbers
were ready to commit; chapters is 0 for a whole version. With p_when_due, as workers call it: no
row while the version backs off, and a commit that does not wait for the disk. Code that knows only so
many migrations, p_schema_version, is refused where it does not fit. Needs READ COMMITTED.';
