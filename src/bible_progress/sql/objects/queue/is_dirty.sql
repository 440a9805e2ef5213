create or replace function progress.is_dirty(p_kind text, p_version_id uuid)
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (progress.are_dirty(array[p_kind], array[p_version_id]))[1];
end
$$;

comment on function progress.is_dirty(text, uuid) is
'Whether the stored numbers of a version may differ from the base tables in this snapshot.';
