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
begin
    if p_stored then
        return array[]::text[];
    end if;
    return (
        select
            case
                when bool_or(d.chapter_id is null) then null
                else coalesce(array_agg(distinct d.chapter_id), '{}')
            end
        from progress.dirty as d
        where d.kind = p_kind and d.version_id = p_version_id
    );
end
$$;

comment on function progress.dirty_chapters(text, uuid, boolean) is
'The chapters of a version whose stored numbers may differ from the base tables in this snapshot:
none for a clean version, NULL when it is the whole version. With p_stored, none: for reads that
take what is stored as it is.';
