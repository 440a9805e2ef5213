-- title: something keeps changes from being settled or drained
-- severity: warning
-- when: installed
-- needs: progress.hindrances()
-- why: Versions are read live meanwhile, which is right and slow.
-- fix: End transactions that were forgotten; run bible-progress schedule where pg_cron is gone.
select
    h.finding,
    case h.cause
        when 'transaction' then format('select pg_terminate_backend(%%s);', h.pid)
        when 'prepared transaction' then format('rollback prepared %%L;', h.application)
    end as fix
from progress.hindrances() as h;
