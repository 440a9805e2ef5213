-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
create or replace function progress.version_lock_key(p_kind text, p_version_id uuid)
returns bigint
language sql
immutable
parallel safe
return hashtextextended('bible-progress/' || p_kind || '/' || p_version_id::text, 0);

comment on function progress.version_lock_key(text, uuid) is
'The advisory lock that one drain at a time holds for a version.';
