-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.exact_versions(
    p_kinds text[], p_version_ids uuid[], p_stored boolean default false
)
returns table (
    kind text,
    version_id uuid,
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
rows 50
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_dirty boolean[] := progress.are_dirty(p_kinds, p_version_ids, p_stored);
begin
    -- Where all are dirty nothing stored is opened: a materialized view may be there unfilled.
    if false = any (v_dirty) then
        return query
        select
            w.kind,
            w.version_id,
            s.covered_verses,
            s.total_verses,
            s.chapters_with_any,
            s.complete_chapters,
            s.total_chapters,
            s.books_complete,
            s.total_books,
            true
        from unnest(p_kinds, p_version_ids, v_dirty) as w (kind, version_id, is_dirty)
        inner join progress.stored_versions as s
            on w.kind = s.kind and w.version_id = s.version_id
        where not w.is_dirty;
    end if;

    return query
    select w.kind, w.version_id, e.*
    from unnest(p_kinds, p_version_ids, v_dirty) as w (kind, version_id, is_dirty)
    cross join lateral progress.exact_version(w.kind, w.version_id) as e
    where w.is_dirty;
end
$$;

comment on function progress.exact_versions(text[], uuid[], boolean) is
'The summaries of these versions as exact_version gives them one by one: faster for many. Versions
that are not there have no row.';
