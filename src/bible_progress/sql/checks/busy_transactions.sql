-- title: transactions that install would wait for
-- severity: warning
-- when: host
-- why: Making triggers needs a moment in which nobody writes to the host tables. Install waits for
--   it --lock-timeout seconds at most, and gives way in between.
-- fix: Let them end, or end them.
select
    coalesce(
        'process ' || l.pid || coalesce(' of ' || nullif(a.application_name, ''), '')
        || ' as role ' || coalesce(a.usename, '?') || ', ' || coalesce(a.state, '?')
        || ', in a transaction for ' || date_trunc('second', clock_timestamp() - a.xact_start),
        'prepared transaction ' || p.gid || ' of ' || date_trunc('second', p.prepared)
    ) || ', holds ' || string_agg(distinct format('%%I.%%I', n.nspname, c.relname), ', ')
        as finding,
    coalesce(
        'select pg_terminate_backend(' || l.pid || ');',
        format('rollback prepared %%L;', p.gid)
    ) as fix
from pg_catalog.pg_locks as l
inner join pg_catalog.pg_class as c on l.relation = c.oid
inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
left join pg_catalog.pg_stat_activity as a on l.pid = a.pid
-- Locks of a prepared transaction have no process; its own id is among them.
left join pg_catalog.pg_locks as own
    on
        l.pid is null
        and l.virtualtransaction = own.virtualtransaction
        and own.pid is null
        and own.locktype = 'transactionid'
left join pg_catalog.pg_prepared_xacts as p on own.transactionid = p.transaction
where
    l.locktype = 'relation'
    and l.database = (
        select d.oid
        from pg_catalog.pg_database as d
        where d.datname = current_database()
    )
    and exists (
        select
        from pg_catalog.pg_class as t
        where
            t.relnamespace = 'public'::regnamespace
            and t.relname = any(%(tables)s)
            -- A partition's last ancestor is the table.
            and (t.oid = c.oid or t.oid in (select a.relid from pg_partition_ancestors(c.oid) as a))
    )
    and l.granted
    and l.mode not in ('AccessShareLock', 'RowShareLock')
    and l.pid is distinct from pg_backend_pid()
    and a.backend_type is distinct from 'autovacuum worker'
    and coalesce(a.xact_start, p.prepared)
    <= clock_timestamp() - make_interval(secs => %(busy_seconds)s)
group by
    l.pid,
    a.application_name,
    a.usename,
    a.state,
    a.xact_start,
    p.gid,
    p.prepared
order by finding;
