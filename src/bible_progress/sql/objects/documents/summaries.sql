-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.summaries(p_stored boolean default false)
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
    was_stored boolean,
    refreshed_at timestamptz
)
language plpgsql
stable
rows 10000
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    if not p_stored and progress.strategy() = 'matview' and not progress.is_filled() then
        return query
        select v.kind, v.version_id, e.*, null::timestamptz
        from progress.versions as v
        cross join lateral progress.exact_version(v.kind, v.version_id) as e;
        return;
    end if;

    return query
    with waiting as materialized (
        select distinct d.kind, d.version_id
        from progress.dirty as d
        where not p_stored
    )

    select
        r.kind,
        r.version_id,
        r.covered_verses,
        r.total_verses,
        r.chapters_with_any,
        r.complete_chapters,
        r.total_chapters,
        r.books_complete,
        r.total_books,
        true,
        r.refreshed_at
    from progress.stored_versions as r
    where not exists (
        select from waiting as w where w.kind = r.kind and w.version_id = r.version_id
    )
    union all
    select
        w.kind,
        w.version_id,
        e.covered_verses,
        e.total_verses,
        e.chapters_with_any,
        e.complete_chapters,
        e.total_chapters,
        e.books_complete,
        e.total_books,
        false,
        o.refreshed_at
    from waiting as w
    cross join lateral progress.exact_version(w.kind, w.version_id) as e
    left join progress.version_rollup as o on w.kind = o.kind and w.version_id = o.version_id;
end
$$;

comment on function progress.summaries(boolean) is
'The summary of every version as the base tables say in this snapshot: stored where clean, live
where dirty. With p_stored, as last drained. refreshed_at:
when what is stored of it last changed, where that is known.';
