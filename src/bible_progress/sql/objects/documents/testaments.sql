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
    with testament as (
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
        from progress.exact_books_of_versions(p_kinds, p_version_ids, p_stored) as b
        inner join public.books as o on b.book_id = o.id
        where b.total_verses > 0
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
    from unnest(p_kinds, p_version_ids) as w (kind, version_id)
    left join testament as t on w.kind = t.kind and w.version_id = t.version_id
    group by w.kind, w.version_id;
end
$$;

comment on function progress.testaments(text[], uuid[], boolean) is
'The testaments of the canons of versions, each version''s in canon order as one document, exact in
this snapshot; books of neither have testament null, books without verses are none. With p_stored, as last drained.';
