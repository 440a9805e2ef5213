-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.comparison(
    p_kinds text[],
    p_version_ids uuid[],
    p_stored boolean default false,
    p_visible jsonb default null
)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if cardinality(p_kinds) between 2 and 8 is not true then
        raise exception 'a comparison takes two to eight versions' using errcode = 'BP002';
    end if;
    -- Before anything is said of their canons: one that is hidden must not be told from none.
    if exists (
        select
        from unnest(p_kinds, p_version_ids) as w (kind, id)
        left join progress.versions as v
            on
                w.kind = v.kind
                and w.id = v.version_id
                and (p_visible is null or p_visible -> v.kind ? v.version_id::text)
        where v.version_id is null
    ) then
        return null;
    end if;

    return (
        with difference as materialized (
            select d.*
            from progress.differences(p_kinds, p_version_ids, p_stored) as d
        ),

        difference_of_book as materialized (
            select
                d.kind,
                d.version_id,
                d.book_id,
                sum(d.only_here_verses) as only_here_verses,
                sum(d.lacking_verses) as lacking_verses
            from difference as d
            group by d.kind, d.version_id, d.book_id
        ),

        differing_book as materialized (
            select d.book_id, sum(d.differing_verses) as differing_verses
            from (
                select distinct x.book_id, x.chapter_id, x.differing_verses
                from difference as x
            ) as d
            group by d.book_id
        ),

        counted as materialized (
            select distinct b.*
            from progress.exact_books_of_versions(p_kinds, p_version_ids, p_stored) as b
            where p_visible is null or p_visible -> 'books' ? b.book_id
        ),

        book as (
            select
                o.book_number,
                o.id as book_id,
                json_build_object(
                    'book_id', o.id,
                    'book', o.name,
                    'number', o.book_number,
                    'testament', o.testament,
                    'total_verses', max(c.total_verses),
                    'differing_verses', coalesce(max(n.differing_verses), 0),
                    'versions', json_agg(
                        json_build_object(
                            'covered_verses', c.covered_verses,
                            'status', progress.coverage_status(c.covered_verses, c.total_verses),
                            'percent', progress.percent(c.covered_verses, c.total_verses),
                            'only_here_verses', coalesce(d.only_here_verses, 0),
                            'lacking_verses', coalesce(d.lacking_verses, 0)
                        )
                        order by w.place
                    )
                ) as described
            from unnest(p_kinds, p_version_ids) with ordinality as w (kind, id, place)
            inner join counted as c on w.kind = c.kind and w.id = c.version_id
            inner join public.books as o on c.book_id = o.id
            left join differing_book as n on c.book_id = n.book_id
            left join difference_of_book as d
                on c.book_id = d.book_id and c.kind = d.kind and c.version_id = d.version_id
            group by o.book_number, o.id, o.name, o.testament
        )

        select
            json_build_object(
                'as_of', f.as_of,
                'pending', f.pending,
                'items', json_agg(
                    json_build_object(
                        'kind', v.kind,
                        'id', v.version_id,
                        'name', v.name,
                        'covered_verses', e.covered_verses,
                        'total_verses', e.total_verses,
                        'percent', progress.percent(e.covered_verses, e.total_verses),
                        'only_here_verses', coalesce(d.only_here_verses, 0),
                        'lacking_verses', coalesce(d.lacking_verses, 0),
                        'chapters', coalesce(d.chapters, '[]')
                    )
                    order by w.place
                ),
                'books', (
                    select coalesce(json_agg(b.described order by b.book_number, b.book_id), '[]')
                    from book as b
                )
            )
        from unnest(p_kinds, p_version_ids) with ordinality as w (kind, id, place)
        inner join progress.versions as v on w.kind = v.kind and w.id = v.version_id
        cross join lateral progress.exact_version(w.kind, w.id, p_stored) as e
        cross join progress.freshness_of(p_kinds, p_version_ids, p_stored) as f
        cross join lateral (
            select
                sum(x.only_here_verses) as only_here_verses,
                sum(x.lacking_verses) as lacking_verses,
                json_agg(
                    json_build_object(
                        'book_id', x.book_id,
                        'chapter_id', x.chapter_id,
                        'only_here_verses', x.only_here_verses,
                        'only_here', x.only_here,
                        'lacking_verses', x.lacking_verses,
                        'lacking', x.lacking
                    )
                ) filter (where p_visible is null or p_visible -> 'books' ? x.book_id) as chapters
            from difference as x
            where x.kind = w.kind and x.version_id = w.id
        ) as d
        group by f.as_of, f.pending
    );
end
$$;

comment on function progress.comparison(text[], uuid[], boolean, jsonb) is
'What progress.compare finds of two to eight versions as one document, in the order in which they
were named, and the books of their canon in its order with what each version has of them. NULL where one is not there; refused (BP002) for different canons. With p_stored, as last
drained; with p_visible, as if only what is in it were there.';
