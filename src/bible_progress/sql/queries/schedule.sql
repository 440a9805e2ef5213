-- name: where
select
    progress.cron_database() as cron_database,
    current_database() as database;

-- name: jobs
select
    name,
    schedule,
    command,
    runs_in
from progress.cron_jobs(%(every)s, %(version)s);

-- name: names
select name
from progress.cron_jobs();

-- name: schedule
select progress.schedule(%(every)s);

-- name: unschedule
select progress.unschedule() as jobs;

-- name: scheduled_in
select
    cron_database,
    current_database() as database
from progress.settings;

-- name: remember
update progress.settings
set cron_database = %(cron_database)s;

-- name: version
-- Asked of the database that pg_cron lives in, like all that follows.
select extversion
from pg_catalog.pg_extension
where extname = 'pg_cron';

-- name: schedule_there
select cron.schedule_in_database(%(name)s, %(schedule)s, %(command)s, %(runs_in)s);

-- name: purge_there
delete from cron.job_run_details
where
    jobid in (
        select j.jobid
        from cron.job as j
        where j.jobname = any(%(names)s)
    );

-- name: unschedule_there
select count(cron.unschedule(j.jobid)) as jobs
from cron.job as j
where j.jobname = any(%(names)s);
