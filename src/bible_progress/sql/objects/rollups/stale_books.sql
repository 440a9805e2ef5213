create view progress.stale_books
with (security_invoker = true) as
select
    n.kind,
    n.version_id,
    n.book_id,
    n.covered_verses,
    n.total_verses,
    n.chapters_with_any,
    n.complete_chapters,
    n.total_chapters
from progress.books_by_source as n
left join progress.book_rollup as o
    on
        n.kind = o.kind
        and n.version_id = o.version_id
        and n.book_id = o.book_id
where
    n.source = 'rollup'
    and (
        n.covered_verses,
        n.total_verses,
        n.chapters_with_any,
        n.complete_chapters,
        n.total_chapters
    ) is distinct from (
        o.covered_verses,
        o.total_verses,
        o.chapters_with_any,
        o.complete_chapters,
        o.total_chapters
    );

comment on view progress.stale_books is
'The books whose stored rollup is not the sum of their stored chapters, with that sum.';
