-- title: tables whose statistics are missing or old
-- severity: warning
-- when: host
-- why: The first drains of large versions may choose slow plans.
-- fix: Analyze them before the first build.
select
    'public.' || s.relname || case
        when s.last_analyze is null and s.last_autoanalyze is null and c.reltuples < 0
            then ' was never analyzed'
        else ': ' || s.n_mod_since_analyze || ' rows changed since it was analyzed'
    end as finding,
    'analyze public.' || s.relname || ';' as fix
from pg_catalog.pg_stat_user_tables as s
inner join pg_catalog.pg_class as c on s.relid = c.oid
where
    s.schemaname = 'public'
    and s.relname = any(%(tables)s)
    and (
        (c.reltuples < 0 and pg_relation_size(c.oid) > 0)
        or s.n_mod_since_analyze > 1000 + greatest(c.reltuples, 0) / 5
    )
order by finding;
