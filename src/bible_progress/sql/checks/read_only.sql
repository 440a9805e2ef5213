-- title: nothing can be written here
-- severity: error
-- when: always
-- why: Install makes tables, functions and triggers.
-- fix: Connect to the primary, or clear default_transaction_read_only.
select 'the server is a standby' as finding
where pg_is_in_recovery()
union all
select 'default_transaction_read_only is on for role ' || current_user as finding
where not pg_is_in_recovery() and current_setting('default_transaction_read_only')::boolean;
