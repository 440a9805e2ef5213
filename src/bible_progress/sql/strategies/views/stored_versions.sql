create view progress.stored_versions
with (security_invoker = true) as
select
    l.kind,
    l.version_id,
    l.covered_verses,
    l.total_verses,
    l.chapters_with_any,
    l.complete_chapters,
    l.total_chapters,
    l.books_complete,
    l.total_books,
    null::timestamptz as refreshed_at
from progress.versions_by_source as l
where l.source = 'live';

comment on view progress.stored_versions is
'Nothing is stored at this level: the versions as the base tables say.';
