-- A procedure that commits can neither pin its search_path nor run as its owner: everything is
-- fully qualified, and what it calls runs as the owner instead.
create or replace procedure progress.audit(p_versions integer default 1)
language plpgsql
as $$
declare
    -- Of a statement_timeout the first half; without one, as long as the sample takes.
    v_until timestamptz := progress.drain_deadline(3600);
    v_version record;
    v_drifted integer := 0;
begin
    for v_version in
        select v.kind, v.version_id
        from progress.auditable_versions(coalesce(p_versions, 1)) as v
    loop
        exit when clock_timestamp() >= v_until;
        v_drifted := v_drifted
            + progress.repair(v_version.kind, v_version.version_id)::integer;
        commit;
    end loop;

    -- What is queued stays queued; a scheduler shows an error where it would hide a result.
    if v_drifted > 0 then
        raise exception 'the stored numbers of % versions were wrong; they are queued', v_drifted
            using errcode = 'BP013',
            hint = 'Something wrote past the triggers. bible-progress verify shows more.';
    end if;
end
$$;

comment on procedure progress.audit(integer) is -- noqa: LT01
'Compare the stored numbers of p_versions random versions with the live ones, each in one snapshot,
and queue those that differ; then an error says how many. For schedulers; the worker does the same.';
