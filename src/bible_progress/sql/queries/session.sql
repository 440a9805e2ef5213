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
