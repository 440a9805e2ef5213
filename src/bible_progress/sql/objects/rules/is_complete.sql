-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
create or replace function progress.is_complete(p_covered bigint, p_total bigint)
returns boolean
language sql
immutable
parallel safe
return p_covered = p_total and p_total > 0;

comment on function progress.is_complete(bigint, bigint) is
'Whether all verses of a chapter, book or version are there, of the covered and all that it has; one
without verses never is.';
