-- Stable, so both sides of every comparison see the snapshot of the query that calls it. Names in
-- the statements come from progress.levels, values as parameters.
create or replace function progress.drift(
    p_kind text, p_version_id uuid, p_even_if_dirty boolean default false
)
returns table (level text, side text, difference jsonb)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_level progress.levels;
begin
    if not p_even_if_dirty and exists (
        select from progress.dirty as d where d.kind = p_kind and d.version_id = p_version_id
    ) then
        return;
    end if;

    for v_level in
        select l.*
        from progress.levels as l
        where
            l.kind = p_kind and l.level <> 'language' and to_regclass(l.stored) is not null
    loop
        return query execute format(
            'with stored as (select * from %1$s where %3$s = $1),'
            ' live as (select * from %2$s where %3$s = $1)'
            ' select $2, ''stored'', to_jsonb(d) from (table stored except all table live) as d'
            ' union all'
            ' select $2, ''live'', to_jsonb(d) from (table live except all table stored) as d',
            v_level.stored, v_level.live, v_level.key_column
        ) using p_version_id, v_level.level;
    end loop;
end
$$;

comment on function progress.drift(text, uuid, boolean) is
'Rows by which the stored numbers of a version differ from the live ones, at every level. Empty for
a dirty version, whose numbers may differ, unless p_even_if_dirty.';
