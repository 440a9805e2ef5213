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
    r.total_chapters
from progress.book_rollup as r;

comment on view progress.stored_books is
'The books of every version, from the rollups.';
