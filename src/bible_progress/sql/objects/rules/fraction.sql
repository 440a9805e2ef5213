-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
create or replace function progress.fraction(p_covered bigint, p_total bigint)
returns numeric
language sql
immutable
parallel safe
return case when p_total > 0 then p_covered::numeric / p_total end;

comment on function progress.fraction(bigint, bigint) is
'Share of p_total that is covered, between 0 and 1; NULL where there is nothing to cover.';
