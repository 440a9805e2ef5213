-- What HTTP clients get: one JSON document a statement, and how fresh it is in the same snapshot.
-- stored takes what is stored as it is.

-- name: moment
-- Which transactions are seen: where it is the same, so is everything that is read.
select pg_current_snapshot()::text;

-- name: versions
-- Whether anything waits is asked once: it takes a look at every version.
with listed as materialized (
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
        ) as document
)

select
    l.document::text as body,
    (l.document ->> 'as_of')::timestamptz as as_of,
    (l.document ->> 'pending')::boolean as pending,
    case
        when %(stored)s
            then (select f.stale_seconds from progress.freshness(null, null, true) as f)
        else 0
    end as stale_seconds
from listed as l;

-- name: overview
-- The list that is read beside it says how fresh both are.
select
    progress.overview(%(at_most)s, %(stored)s)::text as body,
    statement_timestamp() as as_of,
    false as pending,
    0 as stale_seconds;

-- name: tree
select
    progress.tree(%(kind)s, %(id)s, %(depth)s, %(book)s, %(stored)s)::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.freshness(%(kind)s, %(id)s, %(stored)s) as f;

-- name: siblings
select
    progress.siblings(%(kinds)s, %(ids)s, %(at_most)s, %(stored)s)::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.freshness_of(%(kinds)s, %(ids)s, %(stored)s) as f;

-- name: books
select
    progress.book_list(%(kind)s, %(id)s, %(stored)s)::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.freshness(%(kind)s, %(id)s, %(stored)s) as f;

-- name: chapters
select
    progress.chapter_list(%(kind)s, %(id)s, %(book)s, %(stored)s)::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.freshness(%(kind)s, %(id)s, %(stored)s) as f;

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
    progress.history(%(kind)s, %(id)s, %(at_most)s)::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.freshness(%(kind)s, %(id)s, true) as f;

-- name: languages
-- Whether anything waits is asked once: it takes a look at every version.
with listed as materialized (
    select
        progress.language_list(
            %(search)s,
            %(descendants)s,
            %(with_versions)s,
            %(at_most)s,
            %(after)s::json,
            %(stored)s
        ) as document
)

select
    l.document::text as body,
    (l.document ->> 'as_of')::timestamptz as as_of,
    (l.document ->> 'pending')::boolean as pending,
    case
        when %(stored)s
            then (select f.stale_seconds from progress.freshness(null, null, true) as f)
        else 0
    end as stale_seconds
from listed as l;

-- name: language
select
    progress.language(%(id)s, %(descendants)s, %(stored)s)::text as body,
    f.as_of,
    f.pending,
    f.stale_seconds
from progress.language_freshness(%(id)s, %(descendants)s, %(stored)s) as f;

-- name: state_of_versions
select
    kind,
    version_id,
    mark
from progress.version_states();
