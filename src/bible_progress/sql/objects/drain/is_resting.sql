create or replace function progress.is_resting(p_next_attempt_at timestamptz)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return p_next_attempt_at > clock_timestamp()
        -- Further ahead than any pause: the clock has gone back.
        and p_next_attempt_at <= clock_timestamp() + (select s.backoff_cap from progress.settings as s);
end
$$;

comment on function progress.is_resting(timestamptz) is
'Whether an attempt that is due at this time is still to be waited for.';
