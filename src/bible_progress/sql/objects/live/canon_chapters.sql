create view progress.canon_chapters
with (security_invoker = true) as
select
    b.bible_version_id,
    b.id as book_id,
    b.book_number,
    c.id as chapter_id,
    c.chapter_number
from public.books as b
inner join public.chapters as c on b.id = c.book_id;

comment on view progress.canon_chapters is
'The chapters of each canon with the numbers that order them.';
