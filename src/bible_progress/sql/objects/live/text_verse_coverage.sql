create or replace view public.text_verse_coverage
with (security_invoker = true) as
select
    t.version_id as text_version_id,
    t.verse_id,
    t.chapter_id
from progress.text_verses as t
where t.is_covered;

comment on view public.text_verse_coverage is
'The verses that a text version has: one row for each verse of its own canon with text.';
