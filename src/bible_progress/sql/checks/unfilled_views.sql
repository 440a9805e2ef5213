-- title: materialized views that are not filled
-- severity: warning
-- when: installed
-- needs: progress.unfilled_views
-- why: Whoever reads them gets an error. pg_restore leaves those that are computed from others so;
--   exact reads go live meanwhile.
-- fix: Run bible-progress refresh; where changes are signalled, a worker or pg_cron does it.
select u.stored || ' is not filled' as finding
from progress.unfilled_views as u
order by finding;
