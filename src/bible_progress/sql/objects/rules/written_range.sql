-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
create or replace function progress.written_range(p_first integer, p_last integer)
returns text
language sql
immutable
parallel safe
return case when p_first = p_last then p_first::text else p_first || '-' || p_last end;

comment on function progress.written_range(integer, integer) is
'Neighbouring verses as people write them: 5 or 1-12.';
