-- title: row security hides rows from the installing role
-- severity: error
-- when: host
-- why: Triggers run as that role; it would write signals only for the rows that it sees.
-- fix: Install as the owner of the tables, or as a role with BYPASSRLS; owners are filtered only
--   where row security is forced.
select 'row security hides rows of public.' || c.relname || ' from role ' || current_user as finding
from pg_catalog.pg_class as c
where
    c.relnamespace = 'public'::regnamespace
    and c.relname = any(%(tables)s)
    and row_security_active(c.oid)
order by finding;
