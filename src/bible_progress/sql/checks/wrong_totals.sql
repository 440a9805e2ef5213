-- title: chapters whose total_verses is wrong
-- severity: warning
-- when: sound host
-- why: Verses are counted, so our totals differ from those of whoever reads the column.
-- fix: Correct the column.
-- sql: update public.chapters as c
--   set total_verses = (select count(*) from public.verses as v where v.chapter_id = c.id)
--   where total_verses is distinct from
--   (select count(*) from public.verses as v where v.chapter_id = c.id);
select
    'chapters.total_verses of ' || c.id || ' says ' || coalesce(c.total_verses::text, 'nothing')
    || ', the chapter has ' || count(v.id) as finding
from public.chapters as c
left join public.verses as v on c.id = v.chapter_id
group by
    c.id,
    c.total_verses
having c.total_verses is distinct from count(v.id)
order by c.id;
