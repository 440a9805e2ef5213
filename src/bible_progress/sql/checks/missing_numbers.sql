-- title: books, chapters and verses without a number
-- severity: warning
-- when: sound host
-- why: No range takes a verse without a number, nor ends at one.
-- fix: Number them.
select 'book ' || b.id || ' has no book_number' as finding
from public.books as b
where b.book_number is null
union all
select 'chapter ' || c.id || ' has no chapter_number' as finding
from public.chapters as c
where c.chapter_number is null
union all
select 'verse ' || v.id || ' has no verse_number' as finding
from public.verses as v
where v.verse_number is null
order by finding;
