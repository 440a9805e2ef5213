create or replace function progress.version_lock_key(p_kind text, p_version_id uuid)
returns bigint
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return hashtextextended(
    'bible-progress/' || p_kind
    || case when progress.strategy() = 'incremental' then '/' || p_version_id::text else '' end,
    0
);

comment on function progress.version_lock_key(text, uuid) is
'The advisory lock that one drain at a time holds for a version, or for a kind where a refresh is
one of the whole kind.';
