-- title: nothing can be written here
-- severity: error
-- when: always
-- why: Install makes tables, functions and triggers.
-- fix: Connect to the primary, or leave default_transaction_read_only out of PGOPTIONS and the URL.
select 'the server is a standby' as finding
where pg_is_in_recovery()
union all
-- What a database or role sets is set aside by our sessions; what their caller asks for is not.
select 'default_transaction_read_only is on for this session'
from pg_catalog.pg_settings
where
    name = 'default_transaction_read_only'
    and setting = 'on'
    and source in ('client', 'session')
    and not pg_is_in_recovery();
