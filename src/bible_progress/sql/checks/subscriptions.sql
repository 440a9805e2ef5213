-- title: tables that replication writes to
-- severity: warning
-- when: host
-- why: Logical replication fires no statement triggers, so changes that arrive this way leave no
--   signal.
-- fix: Install where people write. Where it must be here, run bible-progress verify --repair on a
--   schedule.
select 'public.' || c.relname || ' receives subscription ' || s.subname as finding
from pg_catalog.pg_subscription_rel as r
inner join pg_catalog.pg_subscription as s on r.srsubid = s.oid
inner join pg_catalog.pg_class as c on r.srrelid = c.oid
where
    c.relnamespace = 'public'::regnamespace
    and c.relname = any(%(tables)s)
order by finding;
