-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.are_dirty(
    p_kinds text[], p_version_ids uuid[], p_stored boolean default false
)
returns boolean[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    -- From here on all that is suspect is read once, instead of looked up for each.
    c_many constant integer := 100;
    v_suspect boolean[];
begin
    if cardinality(p_kinds) > c_many then
        v_suspect := array(
            select
                not p_stored
                and (w.kind, w.version_id) in (
                    select d.kind, d.version_id from progress.suspect as d
                )
            from unnest(p_kinds, p_version_ids) with ordinality as w (kind, version_id, place)
            order by w.place
        );
    else
        v_suspect := array(
            select
                not p_stored and exists (
                    select
                    from progress.suspect as d
                    where d.kind = w.kind and d.version_id = w.version_id
                )
            from unnest(p_kinds, p_version_ids) with ordinality as w (kind, version_id, place)
            order by w.place
        );
    end if;
    -- What is not filled cannot be opened; then every version that is there is suspect.
    if
        p_stored
        or true = all (v_suspect)
        or (progress.strategy() = 'matview' and not progress.is_filled())
    then
        return v_suspect;
    end if;

    -- The rest of progress.dirty, joined once for all.
    return array(
        select
            w.is_suspect
            or (
                s.kind is null
                and exists (
                    select
                    from progress.versions as v
                    where v.kind = w.kind and v.version_id = w.version_id
                )
            )
        from
            unnest(p_kinds, p_version_ids, v_suspect) with ordinality
                as w (kind, version_id, is_suspect, place)
        left join progress.stored_versions as s
            on w.kind = s.kind and w.version_id = s.version_id
        order by w.place
    );
end
$$;

comment on function progress.are_dirty(text[], uuid[], boolean) is
'Of each of these versions, whether anything that is stored of it may differ from the base tables in
this snapshot. With p_stored, false: for reads that take what is stored as it is.';
