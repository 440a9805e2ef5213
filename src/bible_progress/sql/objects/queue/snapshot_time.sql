create or replace function progress.snapshot_time()
returns timestamptz
language sql
stable
set search_path = pg_catalog, pg_temp
return case
    when current_setting('transaction_isolation') in ('repeatable read', 'serializable')
        then transaction_timestamp()
    else statement_timestamp()
end;

comment on function progress.snapshot_time() is
'The latest moment of which is known that everything committed before it is in this snapshot: the
begin of the statement, or of a transaction that keeps its snapshot.';
