-- title: row security decides who sees versions
-- severity: advice
-- when: host
-- why: Stored numbers follow it with strategies views and incremental. Materialized views cannot
--   have row security, so the steps 2 to 4 of the rollout are refused here.
-- fix: Stay on the default strategy.
select
    'public.' || c.relname || ' has row security' as finding,
    c.relname as table_name
from pg_catalog.pg_class as c
where
    c.relnamespace = 'public'::regnamespace
    and c.relname in ('audio_versions', 'text_versions')
    and c.relrowsecurity
order by finding;
