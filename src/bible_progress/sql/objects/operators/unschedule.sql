create or replace function progress.unschedule()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_jobs integer := 0;
begin
    if
        exists (select from pg_catalog.pg_extension as e where e.extname = 'pg_cron')
        -- A role that may not look has scheduled nothing, unless it once might.
        and (
            has_schema_privilege('cron', 'usage')
            or exists (
                select
                from progress.settings as s
                where s.cron_database = current_database()
            )
        )
    then
        -- The log of their runs goes first: it is found by the jobs.
        execute format(
            'delete from %1$I.job_run_details as d where d.jobid in'
            ' (select j.jobid from %1$I.job as j where j.jobname = any ($1))',
            'cron'
        ) using array(select j.name from progress.cron_jobs() as j);
        execute format(
            'select count(%1$I.unschedule(j.jobid)) from %1$I.job as j where j.jobname = any ($1)',
            'cron'
        ) into v_jobs using array(select j.name from progress.cron_jobs() as j);
    end if;
    update progress.settings set cron_database = null where cron_database = current_database();
    return v_jobs;
end
$$;

comment on function progress.unschedule() is
'Take our jobs, and the log of their runs, from pg_cron in this database; returns how many jobs.';
