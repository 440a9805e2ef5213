create or replace function progress.failures(p_limit integer)
returns table (
    kind text,
    version_id uuid,
    attempts integer,
    next_attempt_at timestamptz,
    last_error text,
    failing_since timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select f.kind, f.version_id, f.attempts, f.next_attempt_at, f.last_error, f.failing_since
    from progress.failure as f
    order by f.failed_at desc
    limit p_limit;
end
$$;

comment on function progress.failures(integer) is
'Versions whose last drain failed, the latest first, at most p_limit.';
