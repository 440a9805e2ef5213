create view progress.versions_by_source
with (security_invoker = true) as
select
    source.name as source,
    ver.kind,
    ver.version_id,
    coalesce(sum(b.covered_verses), 0)::integer as covered_verses,
    coalesce(sum(b.total_verses), 0)::integer as total_verses,
    coalesce(sum(b.chapters_with_any), 0)::integer as chapters_with_any,
    coalesce(sum(b.complete_chapters), 0)::integer as complete_chapters,
    coalesce(sum(b.total_chapters), 0)::integer as total_chapters,
    count(*) filter (
        where progress.is_complete(b.covered_verses, b.total_verses)
    )::integer as books_complete,
    count(*) filter (where b.total_verses > 0)::integer as total_books
from progress.versions as ver
cross join (values ('live'), ('rollup'), ('stored'), ('exact')) as source (name)
left join (
    select
        l.source,
        l.kind,
        l.version_id,
        l.book_id,
        l.covered_verses,
        l.total_verses,
        l.chapters_with_any,
        l.complete_chapters,
        l.total_chapters
    from progress.books_by_source as l
    where l.source = 'live'
    union all
    select
        'rollup'::text as source,
        r.kind,
        r.version_id,
        r.book_id,
        r.covered_verses,
        r.total_verses,
        r.chapters_with_any,
        r.complete_chapters,
        r.total_chapters
    from progress.book_rollup as r
    union all
    select
        'stored'::text as source,
        s.kind,
        s.version_id,
        s.book_id,
        s.covered_verses,
        s.total_verses,
        s.chapters_with_any,
        s.complete_chapters,
        s.total_chapters
    from progress.stored_books as s
    union all
    select
        'exact'::text as source,
        v.kind,
        v.version_id,
        e.book_id,
        e.covered_verses,
        e.total_verses,
        e.chapters_with_any,
        e.complete_chapters,
        e.total_chapters
    from progress.versions as v
    cross join lateral progress.exact_books(v.kind, v.version_id) as e
) as b
    on
        source.name = b.source
        and ver.kind = b.kind
        and ver.version_id = b.version_id
group by source.name, ver.kind, ver.version_id;

comment on view progress.versions_by_source is
'Every version, summed from its books: the definition of the version level. Books without verses are
none of its books.';
