-- title: publications that take our tables along
-- severity: warning
-- when: always
-- why: The queue and the rollups would be replicated too. Subscribers without these tables stop
--   applying changes.
-- fix: Publish the tables that subscribers need by name, or make our tables there before.
select 'publication ' || p.pubname || ' publishes all tables' as finding
from pg_catalog.pg_publication as p
where p.puballtables
union all
select 'publication ' || p.pubname || ' publishes all tables of schema ' || n.nspname as finding
from pg_catalog.pg_publication_namespace as pn
inner join pg_catalog.pg_publication as p on pn.pnpubid = p.oid
inner join pg_catalog.pg_namespace as n on pn.pnnspid = n.oid
where n.nspname in ('public', 'progress')
order by finding;
