create view progress.stored_books
with (security_invoker = true) as
select
    r.kind,
    r.version_id,
    r.book_id,
    r.covered_verses,
    r.total_verses,
    r.chapters_with_any,
    r.complete_chapters,
    r.total_chapters,
    b.book_number
from progress.book_rollup as r
left join public.books as b on r.book_id = b.id;

comment on view progress.stored_books is
'The books of every version, from the rollups.';
