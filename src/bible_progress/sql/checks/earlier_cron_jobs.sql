-- title: scheduled jobs of an earlier implementation
-- severity: warning
-- when: always
-- needs: cron.job
-- why: They fail from the moment that what they call is gone.
-- fix: Unschedule them; install --replace does it where the job calls nothing else.
select
    'job ' || j.jobid || coalesce(' (' || j.jobname || ')', '') || ', ' || j.schedule || ': '
    || j.command as finding,
    'select cron.unschedule(' || j.jobid || ');' as fix,
    -- One statement that calls one of the functions and nothing else.
    j.command ~* (
        '^\s*(select|call)\s+(\*\s+from\s+)?(public\.)?('
        || array_to_string(%(earlier_functions)s::text[], '|') || ')\s*\([^();]*\)\s*;?\s*$'
    ) as is_certain
from cron.job as j
where
    j.database = current_database()
    and exists (
        select
        from unnest(%(earlier_functions)s::text[]) as f (name)
        where j.command ~ ('\m' || f.name || '\M')
    )
order by j.jobid;
