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
select
    progress.gap_list(%(kind)s, %(id)s, %(at_most)s, %(after)s, %(stored)s)::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.freshness(%(kind)s, %(id)s, %(stored)s) as f;

-- name: compare
select
    progress.comparison(%(kinds)s, %(ids)s, %(stored)s)::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.freshness_of(%(kinds)s, %(ids)s, %(stored)s) as f;

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
    progress.language(%(id)s, %(descendants)s, %(stored)s)::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.language_freshness(%(id)s, %(descendants)s, %(stored)s) as f;

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
