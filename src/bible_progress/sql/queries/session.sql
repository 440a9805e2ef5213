-- What a transaction of ours relies on, whatever the database and the role say. Said for each
-- transaction, since a pooler may give the session to another client after it.

-- name: begin
begin;
set local transaction_isolation = 'read committed';

-- name: since_17
set local transaction_timeout = 0;

-- name: settings
set local statement_timeout = 0;
set local lock_timeout = 0;
set local idle_in_transaction_session_timeout = 0;
set local datestyle = 'ISO';
set local intervalstyle = 'postgres';
set local extra_float_digits = 1;
set local standard_conforming_strings = on;
set local quote_all_identifiers = off;
set local row_security = on;
set local search_path = pg_catalog, pg_temp;

-- name: write
-- Where only a setting forbids it: a standby would refuse.
set local transaction_read_only = off;

-- name: read
-- Whatever is asked until the end is of one moment, which nobody may hold for long.
set local transaction_isolation = 'repeatable read';
set local transaction_read_only = on;
set local statement_timeout = '15s';
set local idle_in_transaction_session_timeout = '60s';

-- name: connections_left
-- Of the server, the database and the role, whichever has fewest.
select
    least(
        current_setting('max_connections')::integer
        - current_setting('superuser_reserved_connections')::integer
        - coalesce(current_setting('reserved_connections', true)::integer, 0)
        - (select sum(s.numbackends)::integer from pg_catalog.pg_stat_database as s),
        case
            when d.datconnlimit >= 0
                then d.datconnlimit - (
                    select s.numbackends
                    from pg_catalog.pg_stat_database as s
                    where s.datid = d.oid
                )
        end,
        case
            when r.rolconnlimit >= 0
                then r.rolconnlimit - (
                    select count(*)::integer
                    from pg_catalog.pg_stat_activity as a
                    where a.usesysid = r.oid
                )
        end
    ) as connections
from pg_catalog.pg_database as d
cross join pg_catalog.pg_roles as r
where
    d.datname = current_database()
    and r.rolname = session_user;
