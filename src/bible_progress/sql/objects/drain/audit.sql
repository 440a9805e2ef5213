-- A procedure that commits can neither pin its search_path nor run as its owner: everything is
-- fully qualified, and what it calls runs as the owner instead.
create or replace procedure progress.audit(p_versions integer default 1)
language plpgsql
as $$
declare
    -- Of a statement_timeout the first half; without one, as long as the sample takes.
    v_until timestamptz := progress.drain_deadline(3600);
    v_version record;
    v_compared integer := 0;
    v_left_out integer := 0;
    v_drifted integer := 0;
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

    -- These first, and all of them: nothing need be compared to know that they are wrong.
    v_drifted := progress.signal_unsignalled(null);
    commit and chain;
    for v_version in
        select v.kind, v.version_id
        from progress.auditable_versions(coalesce(p_versions, 1)) as v
    loop
        if
            clock_timestamp() >= v_until
            or progress.is_dirty(v_version.kind, v_version.version_id)
        then
            v_left_out := v_left_out + 1;
            continue;
        end if;
        v_compared := v_compared + 1;
        v_drifted := v_drifted
            + progress.repair(v_version.kind, v_version.version_id)::integer;
        commit and chain;
    end loop;

    -- Where people write something always waits: no error, for that would hide those that matter.
    if v_left_out > 0 or v_compared = 0 then
        raise notice '% compared, % left out: they wait to be drained, or time was up',
            case v_compared when 1 then '1 version' else v_compared || ' versions' end, v_left_out;
    end if;

    -- What is queued stays queued; a scheduler shows an error where it would hide a result.
    if v_drifted > 0 then
        raise exception 'the stored numbers of % were wrong or missing; they are queued',
            case v_drifted when 1 then '1 version' else v_drifted || ' versions' end
            using errcode = 'BP013',
            hint = 'Something wrote past the triggers. bible-progress verify shows more.';
    end if;
end
$$;

comment on procedure progress.audit(integer) is -- noqa: LT01
'Queue the versions that came or went past the triggers, then compare the stored numbers of
p_versions random ones with the live ones, each in one snapshot,
and queue those that differ; then an error says how many. A notice says how many were left out since
they are dirty or time was up. For schedulers; the worker does the same.';
