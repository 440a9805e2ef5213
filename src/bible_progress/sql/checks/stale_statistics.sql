-- title: tables whose statistics are missing or old
-- severity: warning
-- when: host
-- why: The first drains of large versions may choose slow plans.
-- fix: Analyze them before the first build. Autovacuum never analyzes a partitioned table, only its
--   partitions.
with
tables as (
    select
        c.relname as table_name,
        c.relkind as table_kind,
        -- Of a partitioned table the rows, and the changes, are in its partitions.
        bool_or(part.relid = c.oid and s.last_analyze is null and s.last_autoanalyze is null)
        and c.reltuples < 0 as never_analyzed,
        -- Autovacuum never analyzes a table of fewer than 50 rows, and no plan needs it to.
        sum(coalesce(pg_relation_size(part.relid), 0))
        > case c.relkind when 'p' then 0 else current_setting('block_size')::integer end
            as is_large,
        case c.relkind
            when 'p'
                then
                    abs(
                        sum(greatest(own.reltuples, 0)) filter (where own.relkind = 'r')
                        - greatest(c.reltuples, 0)
                    )
            else 0
        end + sum(coalesce(s.n_mod_since_analyze, 0)) as changed,
        greatest(c.reltuples, 0) as known
    from pg_catalog.pg_class as c
    cross join
        lateral (
            select c.oid as relid
            union
            select t.relid::oid
            from pg_partition_tree(c.oid) as t
        ) as part
    inner join pg_catalog.pg_class as own on part.relid = own.oid
    left join pg_catalog.pg_stat_user_tables as s on part.relid = s.relid
    where
        c.relnamespace = 'public'::regnamespace
        and c.relname = any(%(tables)s)
        and c.relkind in ('r', 'p')
    group by
        c.oid,
        c.relname,
        c.relkind,
        c.reltuples
)

select
    'public.' || t.table_name || case
        when t.never_analyzed then ' was never analyzed'
        else ': ' || round(t.changed::numeric) || ' rows changed since it was analyzed'
    end as finding,
    'analyze public.' || t.table_name || ';' as fix
from tables as t
where
    (t.never_analyzed and t.is_large)
    or t.changed > 1000 + t.known / 5
order by finding;
