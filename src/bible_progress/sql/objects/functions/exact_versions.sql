-- Stable, so it sees the snapshot of the query that calls it.
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
begin
    return query
    with wanted as materialized (
        select
            w.kind,
            w.version_id,
            not p_stored and exists (
                select
                from progress.dirty as d
                where d.kind = w.kind and d.version_id = w.version_id
            ) as is_dirty
        from unnest(p_kinds, p_version_ids) as w (kind, version_id)
    )

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
    from wanted as w
    inner join progress.stored_versions as s on w.kind = s.kind and w.version_id = s.version_id
    where not w.is_dirty
    union all
    select w.kind, w.version_id, e.*
    from wanted as w
    cross join lateral progress.exact_version(w.kind, w.version_id) as e
    where w.is_dirty;
end
$$;

comment on function progress.exact_versions(text[], uuid[], boolean) is
'The summaries of these versions as exact_version gives them one by one: faster for many. Versions
that are not there have no row.';
