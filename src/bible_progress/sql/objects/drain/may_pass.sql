create or replace function progress.may_pass(p_sqlstate text)
returns boolean
language sql
immutable
set search_path = pg_catalog, pg_temp
return coalesce(
    -- Connections, resources, an operator or a timeout that steps in.
    left(p_sqlstate, 2) in ('08', '53', '57')
    -- Another transaction: serialization, deadlocks, locks, objects in use.
    or p_sqlstate in ('40000', '40001', '40003', '40P01', '55P03', '55006')
    -- A server that has become a standby, other timeouts, old snapshots, disks.
    or p_sqlstate in ('25006', '25P03', '25P04', '72000', '58000', '58030'),
    false
);

comment on function progress.may_pass(text) is
'Whether an error with this SQLSTATE may pass by itself: a drain that meets it is tried again for as
long as it takes.';
