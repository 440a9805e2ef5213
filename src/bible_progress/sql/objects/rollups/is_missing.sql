-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.is_missing(p_kind text, p_version_id uuid)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    -- Of what is stored the first is enough.
    return not exists (
        select
        from progress.stored_versions as s
        where s.kind = p_kind and s.version_id = p_version_id
    )
    and exists (
        select
        from progress.versions as v
        where v.kind = p_kind and v.version_id = p_version_id
    );
end
$$;

comment on function progress.is_missing(text, uuid) is
'Whether a version is there of which nothing is stored: progress.unstored_versions for one, where
nothing makes it suspect. An error while a materialized view is not filled.';
