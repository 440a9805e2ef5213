-- A constant, so that what other strategies need leaves the plans.
create or replace function progress.strategy()
returns text
language sql
immutable
parallel safe
return 'incremental'::text;

comment on function progress.strategy() is
'What is stored are rollups, refreshed for a version at a time.';
