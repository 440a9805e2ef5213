create view progress.stored_versions
with (security_invoker = true) as
select
    r.kind,
    r.version_id,
    r.covered_verses,
    r.total_verses,
    r.chapters_with_any,
    r.complete_chapters,
    r.total_chapters,
    r.books_complete,
    r.total_books,
    r.refreshed_at
from progress.version_rollup as r;

comment on view progress.stored_versions is
'Every version, from the rollups.';
