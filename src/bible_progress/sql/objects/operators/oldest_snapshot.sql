-- What holds back vacuum in this database: snapshots here, and transactions that have written
-- anywhere, since every later snapshot begins with them. Sessions show theirs to their own role and
-- to those that may read all statistics; prepared transactions and replication slots to everybody.
create view progress.oldest_snapshot
with (security_invoker = true) as
select
    held.transactions,
    extract(epoch from greatest(clock_timestamp() - held.since, '0')) as seconds
from (
    select
        greatest(
            age(a.backend_xid),
            case
                when coalesce(a.datname, current_database()) = current_database()
                    then age(a.backend_xmin)
            end
        ) as transactions,
        a.xact_start as since
    from pg_catalog.pg_stat_activity as a
    where
        a.pid <> pg_backend_pid()
        and a.backend_type <> 'autovacuum worker'
    union all
    select
        age(p.transaction) as transactions,
        p.prepared as since
    from pg_catalog.pg_prepared_xacts as p
    union all
    select
        age(r.xmin) as transactions,
        null as since
    from pg_catalog.pg_replication_slots as r
    where r.xmin is not null
) as held
where held.transactions is not null
-- A transaction that has written holds back the snapshots of all that began after it.
order by held.transactions desc, held.since asc nulls last
limit 1;

comment on view progress.oldest_snapshot is
'How many transactions ago the oldest snapshot was taken that keeps rows of this database from being
removed, and how many seconds ago; no row where there is none but one''s own.';
