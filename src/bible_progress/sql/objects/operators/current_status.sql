create or replace function progress.current_status()
returns table (
    package_version text,
    schema_version integer,
    environment text,
    strategy text,
    rollout_step integer,
    server_version text,
    audio_versions bigint,
    text_versions bigint,
    stored_versions bigint,
    queue_depth bigint,
    dirty_versions bigint,
    oldest_signal_seconds double precision,
    unsettled_changes bigint,
    failing_versions bigint,
    dead_letters bigint,
    last_drain_at timestamptz,
    workers bigint,
    cron_database text,
    failing_seconds double precision,
    unsignalled_versions bigint,
    unfilled_views bigint,
    foreign_numbers bigint,
    oldest_snapshot_transactions integer,
    oldest_snapshot_seconds double precision,
    queue_dead_rows bigint
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select s.*
    from progress.status as s;
end
$$;

comment on function progress.current_status() is
'What progress.status shows, for roles that may not read what it counts.';
