-- A procedure that commits can neither pin its search_path nor run as its owner: everything is
-- fully qualified, and what it calls runs as the owner instead.
create or replace procedure progress.drain(
    p_versions integer default 50, p_seconds numeric default 4
)
language plpgsql
as $$
declare
    v_until timestamptz := progress.drain_deadline(p_seconds);
    v_due record;
    v_left integer := coalesce(p_versions, 50);
    v_before integer;
    v_rounds integer := 0;
begin
    -- Databases and roles set other defaults. What a caller has begun itself is left as it is.
    if
        current_setting('transaction_isolation') <> 'read committed'
        or (
            current_setting('transaction_read_only')::boolean
            and not current_setting('in_hot_standby')::boolean
        )
    then
        commit;
        set transaction isolation level read committed, read write;
    end if;

    perform progress.signal_unsignalled(1000);
    commit and chain;
    loop
        v_before := v_left;
        for v_due in
            select d.kind, d.version_id
            from progress.due_versions(least(v_left, 50)) as d
        loop
            exit when clock_timestamp() >= v_until;
            if (
                select r.outcome
                from progress.drain_version(v_due.kind, v_due.version_id, true) as r
            ) <> 'locked' then
                v_left := v_left - 1;
            end if;
            commit and chain;
        end loop;
        exit when v_left <= 0 or clock_timestamp() >= v_until;
        -- Changes of structure settle in rounds; those that running writers hold up are left.
        v_rounds := case when v_left = v_before then v_rounds + 1 else 0 end;
        exit when v_rounds > 2 or (v_rounds > 0 and not progress.has_unsettled_changes());
    end loop;
end
$$;

comment on procedure progress.drain(integer, numeric) is -- noqa: LT01
'Queue what came or went past the triggers, and drain up to p_versions versions for up to p_seconds
seconds, one transaction each, and within half of the caller''s statement_timeout. For schedulers
such as pg_cron; safe to run beside workers and itself.';
