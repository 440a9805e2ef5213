-- What HTTP clients get: one JSON document a statement, and how fresh it is in the same snapshot.
-- stored takes what is stored as it is.

-- name: begin
begin;
set local transaction_read_only = on;
set local statement_timeout = '15s';

-- name: versions
select
    progress.version_list(
        %(kind)s,
        %(language_id)s,
        %(descendants)s,
        %(search)s,
        %(status)s,
        %(min_percent)s,
        %(sort)s,
        %(at_most)s,
        %(after)s::json,
        %(stored)s
    )::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.freshness(null, null, %(stored)s) as f;

-- name: tree
select
    progress.tree(%(kind)s, %(id)s, %(depth)s, %(book)s, %(stored)s)::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.freshness(%(kind)s, %(id)s, %(stored)s) as f;

-- name: books
select
    json_build_object(
        'kind', t.tree -> 'kind',
        'version_id', t.tree -> 'id',
        'as_of', f.as_of,
        'pending', f.pending,
        'items', t.tree -> 'books'
    )::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.freshness(%(kind)s, %(id)s, %(stored)s) as f
cross join progress.tree(%(kind)s, %(id)s, 'book', null, %(stored)s) as t (tree)
where t.tree is not null;

-- name: chapters
select
    json_build_object(
        'kind', v.kind,
        'version_id', v.version_id,
        'as_of', f.as_of,
        'pending', f.pending,
        'items', coalesce(
            (
                select
                    json_agg(
                        json_build_object(
                            'book_id', e.book_id,
                            'id', e.chapter_id,
                            'number', o.chapter_number,
                            'status', progress.coverage_status(e.covered_verses, e.total_verses),
                            'covered_verses', e.covered_verses,
                            'total_verses', e.total_verses,
                            'percent', progress.percent(e.covered_verses, e.total_verses)
                        )
                        order by o.book_number, o.book_id, o.chapter_number, o.chapter_id
                    )
                from progress.exact_chapters(v.kind, v.version_id, %(book)s, %(stored)s) as e
                inner join progress.canon_chapters as o on e.chapter_id = o.chapter_id
            ),
            '[]'
        )
    )::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.versions as v
cross join progress.freshness(%(kind)s, %(id)s, %(stored)s) as f
where v.kind = %(kind)s and v.version_id = %(id)s;

-- name: chapter
select
    progress.chapter(%(kind)s, %(id)s, %(chapter)s, %(stored)s)::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.freshness(%(kind)s, %(id)s, %(stored)s) as f;

-- name: gaps
-- One more than asked for tells whether others follow.
with found as (
    select
        true as is_listed,
        g.*
    from
        progress.gaps(%(kind)s, %(id)s, %(at_most)s + 1, %(stored)s, %(after)s)
        with ordinality as g (book_id, chapter_id, missing_verses, missing, place)
    union all
    select
        false as is_listed,
        g.*
    from
        progress.gaps(%(kind)s, %(id)s, 1, %(stored)s)
        with ordinality as g (book_id, chapter_id, missing_verses, missing, place)
),

gap as materialized (
    select
        f.is_listed,
        f.place,
        f.chapter_id,
        json_build_object(
            'book_id', f.book_id,
            'book', b.name,
            'chapter_id', f.chapter_id,
            'number', c.chapter_number,
            'missing_verses', f.missing_verses,
            'missing', f.missing
        ) as described
    from found as f
    inner join public.chapters as c on f.chapter_id = c.id
    inner join public.books as b on f.book_id = b.id
)

select
    json_build_object(
        'kind', v.kind,
        'version_id', v.version_id,
        'as_of', f.as_of,
        'pending', f.pending,
        'missing_verses', e.total_verses - e.covered_verses,
        'next', (
            select g.described
            from gap as g
            where not g.is_listed
        ),
        'items', coalesce(
            (
                select json_agg(g.described order by g.place)
                from gap as g
                where g.is_listed and g.place <= %(at_most)s
            ),
            '[]'
        ),
        'next_cursor', (
            select g.chapter_id
            from gap as g
            where
                g.is_listed and g.place = %(at_most)s and exists (
                    select from gap as o
                    where o.place > %(at_most)s
                )
        )
    )::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.versions as v
cross join lateral progress.exact_version(v.kind, v.version_id, %(stored)s) as e
cross join progress.freshness(%(kind)s, %(id)s, %(stored)s) as f
where v.kind = %(kind)s and v.version_id = %(id)s;

-- name: compare
-- In the order in which they were named; no document where one is not there.
with wanted as (
    select
        w.place,
        v.kind,
        v.version_id,
        v.name
    from unnest(%(kinds)s::text[], %(ids)s::uuid[]) with ordinality as w (kind, id, place)
    inner join progress.versions as v on w.kind = v.kind and w.id = v.version_id
),

difference as materialized (
    select d.*
    from progress.compare(%(kinds)s, %(ids)s, %(stored)s) as d
)

select
    json_build_object(
        'as_of', min(f.as_of),
        'pending', bool_or(f.pending),
        'items', json_agg(
            json_build_object(
                'kind', w.kind,
                'id', w.version_id,
                'name', w.name,
                'only_here_verses', coalesce(d.only_here_verses, 0),
                'lacking_verses', coalesce(d.lacking_verses, 0),
                'chapters', coalesce(d.chapters, '[]')
            )
            order by w.place
        )
    )::text as body,
    min(f.as_of) as as_of,
    bool_or(f.pending) as pending,
    case
        when bool_and(f.stale_seconds is not null) then max(f.stale_seconds)
    end as stale_seconds
from wanted as w
cross join lateral progress.freshness(w.kind, w.version_id, %(stored)s) as f
left join
    lateral (
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
            ) as chapters
        from difference as x
        where x.kind = w.kind and x.version_id = w.version_id
    ) as d
    on true
having count(*) = cardinality(%(kinds)s::text[]);

-- name: history
select
    json_build_object(
        'kind', v.kind,
        'version_id', v.version_id,
        'as_of', f.as_of,
        'pending', f.pending,
        'items', coalesce(
            (
                select
                    json_agg(
                        json_build_object(
                            'day', h.day,
                            'covered_verses', h.covered_verses,
                            'total_verses', h.total_verses,
                            'percent', progress.percent(h.covered_verses, h.total_verses),
                            'complete_chapters', h.complete_chapters,
                            'total_chapters', h.total_chapters,
                            'books_complete', h.books_complete,
                            'total_books', h.total_books
                        )
                        order by h.day
                    )
                from (
                    select y.*
                    from progress.version_history as y
                    where y.kind = v.kind and y.version_id = v.version_id
                    order by y.day desc
                    limit %(at_most)s
                ) as h
            ),
            '[]'
        )
    )::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.versions as v
cross join progress.freshness(%(kind)s, %(id)s, true) as f
where v.kind = %(kind)s and v.version_id = %(id)s;

-- name: languages
select
    progress.language_list(
        %(search)s,
        %(descendants)s,
        %(with_versions)s,
        %(at_most)s,
        %(after)s::json,
        %(stored)s
    )::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.freshness(null, null, %(stored)s) as f;

-- name: language
select
    json_build_object(
        'as_of', f.as_of,
        'pending', f.pending,
        'language', progress.languages(array[%(id)s::uuid], %(descendants)s, %(stored)s) -> 0
    )::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.freshness(null, null, %(stored)s) as f
where exists (
    select
    from public.language_entities as l
    where l.id = %(id)s and l.deleted_at is null
);

-- name: state_of_versions
-- What differs between two looks has changed: signals come with writes and go with drains, and what
-- a drain writes it stamps.
select
    s.kind,
    s.version_id,
    max(s.mark) as mark
from (
    select
        r.kind,
        r.version_id,
        r.refreshed_at::text as mark
    from progress.version_rollup as r
    union all
    select
        q.kind,
        q.version_id,
        'signal ' || max(q.id)::text as mark
    from public.progress_refresh_queue as q
    group by q.kind, q.version_id
) as s
group by s.kind, s.version_id;
