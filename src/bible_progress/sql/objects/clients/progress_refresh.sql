-- PostgREST applies the timeout before it calls; within then says the same. Other callers keep
-- their own, which a function that sets one could not see: a default is worked out before that.
-- One transaction: what is drained shows when all of it is.
create or replace function public.progress_refresh(
    seconds numeric default 4, within text default current_setting('statement_timeout')
)
returns json
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set statement_timeout = '60s'
as $$
declare
    v_began timestamptz := clock_timestamp();
    v_until timestamptz;
    v_due record;
    v_outcome text;
    v_drained integer := 0;
    v_failed integer := 0;
    v_remaining bigint;
begin
    if seconds > 0 and seconds <= 50 then
        perform set_config('statement_timeout', within, true);
        v_until := progress.drain_deadline(seconds);
    else
        raise exception 'seconds is %, not above 0 and at most 50', coalesce(seconds::text, 'null')
            using errcode = 'BP002';
    end if;

    perform progress.signal_unsignalled(1000);
    -- Each failure is a subtransaction, of which a session keeps 64 at hand.
    for v_due in
        select d.kind, d.version_id
        from progress.due_versions(50) as d
    loop
        exit when clock_timestamp() >= v_until;
        v_outcome := (
            select r.outcome
            from progress.drain_version(v_due.kind, v_due.version_id, true) as r
        );
        v_drained := v_drained + (v_outcome = 'drained')::integer;
        v_failed := v_failed + (v_outcome in ('failed', 'dead'))::integer;
    end loop;

    -- It is not worth what was drained.
    begin
        v_remaining := (select s.dirty_versions from progress.status as s);
    exception
        when query_canceled then
            v_remaining := null;
    end;
    return json_build_object(
        'drained', v_drained,
        'failed', v_failed,
        'seconds', round(extract(epoch from clock_timestamp() - v_began), 3),
        'remaining', v_remaining
    );
end
$$;

comment on function public.progress_refresh(numeric, text) is
'Drain what waits for up to seconds, at most 50 of them and 50 versions, for schedulers that can
call a function but no procedure; safe to overlap. Returns how many versions were drained, how many failed
and how many remain, NULL where there was no time to count. Leave within out: it is the caller''s
statement_timeout, of which the first half is used.';
