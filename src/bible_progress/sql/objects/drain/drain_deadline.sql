-- The other half is for the drain that is under way then.
create or replace function progress.drain_deadline(p_seconds numeric)
returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_timeout interval := current_setting('statement_timeout')::interval;
begin
    perform progress.suspended();
    if p_seconds is null then
        raise exception 'without a number of seconds there is no end to it'
            using errcode = 'BP002';
    end if;
    return least(
        clock_timestamp() + make_interval(secs => p_seconds),
        case when v_timeout > '0' then statement_timestamp() + v_timeout / 2 end
    );
end
$$;

comment on function progress.drain_deadline(numeric) is
'Until when this statement may begin drains, if it has p_seconds: no longer than half of its
statement_timeout.';
