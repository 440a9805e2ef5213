-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
create or replace function progress.percent(p_covered bigint, p_total bigint)
returns integer
language sql
immutable
parallel safe
return case when p_total > 0 then (p_covered * 100 / p_total)::integer end;

comment on function progress.percent(bigint, bigint) is
'The share in whole percent as people see it, rounded down so that 100 means nothing is missing;
NULL where there is nothing to cover.';
