-- Both kinds are looked at: whoever gives an id need not know which it is.
create or replace function progress.signal_version(p_version_id uuid)
returns setof text
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_kind text;
begin
    for v_kind in
        select v.kind
        from progress.versions as v
        where v.version_id = p_version_id
        union
        select r.kind
        from progress.version_rollup as r
        where r.version_id = p_version_id
    loop
        perform progress.signal(v_kind, array[p_version_id], array[null::text]);
        return next v_kind;
    end loop;
end
$$;

comment on function progress.signal_version(uuid) is
'Queue a version as a whole; returns its kinds, none for an id that nothing has.';
