-- A constant, so that what other strategies need leaves the plans.
create or replace function progress.strategy()
returns text
language sql
immutable
parallel safe
return 'matview'::text;

comment on function progress.strategy() is
'What is stored are materialized views, refreshed for a kind at a time.';
