-- title: chapters of a book that share a number
-- severity: warning
-- when: sound host
-- why: Their ids decide their order, which decides what a range across chapters takes.
-- fix: Number them apart, or delete those that are there twice.
select
    'book ' || c.book_id || ', chapter ' || c.chapter_number || ': '
    || string_agg(c.id, ', ' order by c.id) as finding
from public.chapters as c
group by
    c.book_id,
    c.chapter_number
having count(*) > 1
order by finding;
