-- title: materialized views show versions that row security hides
-- severity: warning
-- when: installed
-- why: Whoever may read them reads every row.
-- fix: Move to the default strategy: bible-progress rollout apply --to 5
select 'public.' || c.relname || ' has row security, the materialized views have not' as finding
from pg_catalog.pg_class as c
where
    c.relnamespace = 'public'::regnamespace
    and c.relname in ('audio_versions', 'text_versions')
    and c.relrowsecurity
    and cardinality(%(materialized)s::text[]) > 0
order by finding;
