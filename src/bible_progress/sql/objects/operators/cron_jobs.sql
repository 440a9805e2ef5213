-- The name of a job holds the database: pg_cron has one list of jobs for all databases of a server.
create or replace function progress.cron_jobs(
    p_every_seconds integer default 60, p_cron_version text default null
)
returns table (name text, schedule text, command text, runs_in text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_names text[] := array[
        format('bible-progress drain (%s)', current_database()),
        format('bible-progress audit (%s)', current_database()),
        format('bible-progress purge (%s)', current_database())
    ];
begin
    if not coalesce(
        p_every_seconds between 1 and 59
        or (p_every_seconds between 60 and 1800 and 3600 % p_every_seconds = 0
            and p_every_seconds % 60 = 0),
        false
    ) then
        raise exception 'pg_cron cannot run a job every % seconds', coalesce(p_every_seconds, 0)
            using errcode = 'BP002',
            hint = 'Give 1 to 59 seconds, or minutes that divide an hour: 60, 120, 300, 600.';
    end if;
    if
        p_every_seconds < 60
        and string_to_array(substring(p_cron_version from '^[0-9]+[.][0-9]+'), '.')::integer[]
        < array[1, 5]
    then
        raise exception 'pg_cron % has no schedules in seconds', p_cron_version
            using errcode = 'BP002',
            hint = 'Give 60 seconds or more, or update pg_cron to 1.5: alter extension pg_cron update.';
    end if;

    return query
    values
    (
        v_names[1],
        case
            when p_every_seconds < 60 then p_every_seconds || ' seconds'
            when p_every_seconds = 60 then '* * * * *'
            else '*/' || p_every_seconds / 60 || ' * * * *'
        end,
        -- A call that takes longer than its period would only put the next one off.
        format(
            'call progress.drain(p_versions => 1000000, p_seconds => %s)',
            round(least(0.8 * p_every_seconds, 240), 1)
        ),
        current_database()::text
    ),
    (v_names[2], '* * * * *', 'call progress.audit(2)', current_database()::text),
    (
        v_names[3],
        '7 * * * *',
        -- pg_cron keeps a row of every run for ever. Failures stay longer, for people to see.
        format(
            'delete from cron.job_run_details as d where d.jobid in (select j.jobid from cron.job'
            ' as j where j.jobname = any (%L)) and d.status in (''succeeded'', ''failed'') and'
            ' coalesce(d.end_time, d.start_time, ''-infinity'') < now() - case d.status'
            ' when ''failed'' then interval ''7 days'' else interval ''1 day'' end',
            v_names
        ),
        progress.cron_database()
    );
end
$$;

comment on function progress.cron_jobs(integer, text) is
'The jobs that pg_cron runs in place of a worker: drain, audit, and the purge of its own log of
their runs, which is in the database of pg_cron. Refuses a period that pg_cron, or p_cron_version of
it, cannot keep.';
