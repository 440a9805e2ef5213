-- The id of the book from the canon, so that a book that is asked for reaches the function.
create view progress.exact_chapters
with (security_invoker = true) as
select
    v.kind,
    v.version_id,
    b.id as book_id,
    e.chapter_id,
    e.covered_verses,
    e.total_verses
from progress.versions as v
inner join public.books as b on v.bible_version_id = b.bible_version_id
cross join lateral progress.exact_chapters(v.kind, v.version_id, b.id) as e;

comment on view progress.exact_chapters is
'The chapters of every version, as the function of this name has them for one book.';
