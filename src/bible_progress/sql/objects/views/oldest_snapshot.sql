-- What holds back vacuum in this database. Sessions show theirs to their own role and to those that
-- may read all statistics; prepared transactions and replication slots show theirs to everybody.
create view progress.oldest_snapshot
with (security_invoker = true) as
select
    held.transactions,
    extract(epoch from clock_timestamp() - held.since) as seconds
from (
    select
        age(a.backend_xmin) as transactions,
        a.xact_start as since
    from pg_catalog.pg_stat_activity as a
    where
        a.backend_xmin is not null
        and a.pid <> pg_backend_pid()
        and coalesce(a.datname, current_database()) = current_database()
        and a.backend_type <> 'autovacuum worker'
    union all
    select
        age(p.transaction) as transactions,
        p.prepared as since
    from pg_catalog.pg_prepared_xacts as p
    where p.database = current_database()
    union all
    select
        age(r.xmin) as transactions,
        null as since
    from pg_catalog.pg_replication_slots as r
    where r.xmin is not null
) as held
order by held.transactions desc
limit 1;

comment on view progress.oldest_snapshot is
'How many transactions ago the oldest snapshot was taken that keeps rows of this database from being
removed, and how many seconds ago; no row where there is none but one''s own.';
