create view progress.stored_versions
with (security_invoker = true) as
select
    s.kind,
    s.version_id,
    s.covered_verses,
    s.total_verses,
    s.chapters_with_any,
    s.complete_chapters,
    s.total_chapters,
    s.books_complete,
    s.total_books,
    s.refreshed_at
from progress.version_rollup as s;

comment on view progress.stored_versions is
'Every version, from the rollups.';
