-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.testaments(
    p_kind text, p_version_id uuid, p_stored boolean default false
)
returns json
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return (
        select
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
                ),
                '[]'
            )
        from (
            select
                b.testament::text as testament,
                min(b.book_number) as first_number,
                sum(e.covered_verses) as covered_verses,
                sum(e.total_verses) as total_verses,
                count(*) filter (
                    where progress.is_complete(e.covered_verses, e.total_verses)
                ) as books_complete,
                count(*) as total_books
            from progress.exact_books(p_kind, p_version_id, p_stored) as e
            inner join public.books as b on e.book_id = b.id
            group by b.testament::text
        ) as t
    );
end
$$;

comment on function progress.testaments(text, uuid, boolean) is
'The testaments of a version''s canon in its order as one document, exact in this snapshot; books of
neither have testament null. With p_stored, as last drained.';
