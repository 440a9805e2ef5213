create view progress.stored_books
with (security_invoker = true) as
select
    l.kind,
    l.version_id,
    l.book_id,
    l.covered_verses,
    l.total_verses,
    l.chapters_with_any,
    l.complete_chapters,
    l.total_chapters,
    l.book_number
from progress.books_by_source as l
where l.source = 'live';

comment on view progress.stored_books is
'Nothing is stored at this level: the books as the base tables say.';
