-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
create or replace function progress.coverage_status(p_covered bigint, p_total bigint)
returns text
language sql
immutable
parallel safe
return case
    when progress.is_complete(p_covered, p_total) then 'complete'
    when p_covered > 0 then 'in progress'
    else 'not started'
end;

comment on function progress.coverage_status(bigint, bigint) is
'not started, in progress or complete, of covered and total verses.';
