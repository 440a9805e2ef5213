-- title: books of a canon that share a number
-- severity: warning
-- when: sound host
-- why: Their ids decide their order, which decides what a range across books takes.
-- fix: Number them apart, or delete those that are there twice.
select
    'canon ' || b.bible_version_id || ', book ' || b.book_number || ': '
    || string_agg(b.id, ', ' order by b.id) as finding
from public.books as b
group by
    b.bible_version_id,
    b.book_number
having count(*) > 1
order by finding;
