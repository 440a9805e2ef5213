-- title: versions came or went past the triggers
-- severity: warning
-- when: installed
-- needs: progress.unstored_versions
-- why: They were loaded or deleted without triggers, as a data dump does in
--   session_replication_role replica. Exact reads count those that came live; of those that went
--   the stored numbers are left over.
-- fix: A worker, pg_cron and bible-progress refresh queue them. Rows that were changed past
--   the triggers in versions that have numbers are not among them; bible-progress verify --repair
--   finds those.
-- sql: select progress.signal_unsignalled(null);
select
    u.kind || ' version ' || u.version_id
    || case when u.is_stored then ' is gone and has numbers' else ' has no numbers' end as finding
from progress.unsignalled_versions() as u
order by
    u.kind,
    u.version_id;
