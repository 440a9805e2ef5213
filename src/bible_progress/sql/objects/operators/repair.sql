create or replace function progress.repair(p_kind text, p_version_id uuid)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from progress.drift(p_kind, p_version_id)) then
        return false;
    end if;
    perform progress.signal(p_kind, array[p_version_id], array[null::text]);
    return true;
end
$$;

comment on function progress.repair(text, uuid) is
'Queue a version whose stored numbers are wrong; whether they were.';
