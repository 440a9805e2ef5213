-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.testaments(
    p_kinds text[], p_version_ids uuid[], p_stored boolean default false
)
returns table (kind text, version_id uuid, testaments json)
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
    ),

    book as (
        select w.kind, w.version_id, s.book_id, s.covered_verses, s.total_verses
        from wanted as w
        inner join progress.stored_books as s
            on w.kind = s.kind and w.version_id = s.version_id
        where not w.is_dirty
        union all
        select w.kind, w.version_id, e.book_id, e.covered_verses, e.total_verses
        from wanted as w
        cross join lateral progress.exact_books(w.kind, w.version_id) as e
        where w.is_dirty
    ),

    testament as (
        select
            b.kind,
            b.version_id,
            o.testament::text as testament,
            min(o.book_number) as first_number,
            sum(b.covered_verses) as covered_verses,
            sum(b.total_verses) as total_verses,
            count(*) filter (
                where progress.is_complete(b.covered_verses, b.total_verses)
            ) as books_complete,
            count(*) as total_books
        from book as b
        inner join public.books as o on b.book_id = o.id
        group by b.kind, b.version_id, o.testament::text
    )

    select
        w.kind,
        w.version_id,
        coalesce(
            json_agg(
                json_build_object(
                    'testament', t.testament,
                    'covered_verses', t.covered_verses,
                    'total_verses', t.total_verses,
                    'percent', progress.percent(t.covered_verses, t.total_verses),
                    'books_complete', t.books_complete,
                    'total_books', t.total_books
                )
                order by t.first_number
            ) filter (where t.kind is not null),
            '[]'
        )
    from wanted as w
    left join testament as t on w.kind = t.kind and w.version_id = t.version_id
    group by w.kind, w.version_id;
end
$$;

comment on function progress.testaments(text[], uuid[], boolean) is
'The testaments of the canons of versions, each version''s in canon order as one document, exact in
this snapshot; books of neither have testament null. With p_stored, as last drained.';
