-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.dirty_chapters(
    p_kind text, p_version_id uuid, p_stored boolean default false
)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_chapters text[];
begin
    if p_stored then
        return array[]::text[];
    end if;
    v_chapters := (
        select
            case
                when bool_or(d.chapter_id is null) then null
                else coalesce(array_agg(distinct d.chapter_id), '{}')
            end
        from progress.suspect as d
        where d.kind = p_kind and d.version_id = p_version_id
    );
    -- The rest of progress.dirty. A statement of its own: it opens what need not be filled above.
    if v_chapters is null then
        return null;
    end if;
    if exists (
        select
        from progress.stored_versions as s
        where s.kind = p_kind and s.version_id = p_version_id
    ) then
        return v_chapters;
    end if;
    return case
        when not exists (
            select
            from progress.versions as v
            where v.kind = p_kind and v.version_id = p_version_id
        ) then v_chapters
    end;
end
$$;

comment on function progress.dirty_chapters(text, uuid, boolean) is
'The chapters of a version whose stored numbers may differ from the base tables in this snapshot:
none for a clean version, NULL when it is the whole version. With p_stored, none: for reads that
take what is stored as it is.';
