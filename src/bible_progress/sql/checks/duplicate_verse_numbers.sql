-- title: verses of a chapter that share a number
-- severity: warning
-- when: sound host
-- why: Each counts in the total. A range that reaches the number takes all of them.
-- fix: Number them apart, or delete those that are there twice.
select
    'chapter ' || v.chapter_id || ', verse ' || v.verse_number || ': '
    || string_agg(v.id, ', ' order by v.id) as finding
from public.verses as v
group by
    v.chapter_id,
    v.verse_number
having count(*) > 1
order by finding;
