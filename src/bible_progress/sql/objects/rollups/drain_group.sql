create or replace function progress.drain_group(p_kind text, p_version_id uuid)
returns uuid[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if progress.strategy() = 'incremental' then
        return array[p_version_id];
    end if;
    return array(
        select q.version_id from progress.queued as q where q.kind = p_kind
        union
        select p_version_id
        order by 1
    );
end
$$;

comment on function progress.drain_group(text, uuid) is
'The versions that a drain of this one refreshes: itself, or all of its kind that wait where a
refresh is one of the whole kind.';
