-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.exact_version(
    p_kind text, p_version_id uuid, p_stored boolean default false
)
returns table (
    covered_verses integer,
    total_verses integer,
    chapters_with_any integer,
    complete_chapters integer,
    total_chapters integer,
    books_complete integer,
    total_books integer,
    was_stored boolean
)
language plpgsql
stable
rows 1
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    -- Of what is stored, that it is there need not be asked: hence suspect, not dirty.
    if p_stored or not exists (
        select from progress.suspect as d where d.kind = p_kind and d.version_id = p_version_id
    ) then
        return query
        select
            r.covered_verses,
            r.total_verses,
            r.chapters_with_any,
            r.complete_chapters,
            r.total_chapters,
            r.books_complete,
            r.total_books,
            true
        from progress.stored_versions as r
        where r.kind = p_kind and r.version_id = p_version_id;
        if found or p_stored then
            return;
        end if;
    end if;

    return query
    select
        v.covered_verses,
        v.total_verses,
        v.chapters_with_any,
        v.complete_chapters,
        v.total_chapters,
        v.books_complete,
        v.total_books,
        false
    from progress.exact_version_sums as v
    where v.kind = p_kind and v.version_id = p_version_id;
end
$$;

comment on function progress.exact_version(text, uuid, boolean) is
'The summary of a version as the base tables say in this snapshot; no row for one that is deleted.
was_stored tells whether it was stored. With p_stored, as last drained.';
