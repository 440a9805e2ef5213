create or replace function progress.measurements()
returns table (
    measured_at timestamptz,
    step integer,
    subject text,
    name text,
    source text,
    samples integer,
    p50 double precision,
    p95 double precision,
    p99 double precision,
    bytes bigint
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        m.measured_at,
        m.step,
        m.subject,
        m.name,
        m.source,
        m.samples,
        m.p50,
        m.p95,
        m.p99,
        m.bytes
    from progress.measurement as m
    where
        m.run_id = (
            select l.run_id
            from progress.measurement as l
            order by l.measured_at desc
            limit 1
        )
    order by m.measured_at, m.id
    limit 200;
end
$$;

comment on function progress.measurements() is
'What the last run of rollout measure found.';
