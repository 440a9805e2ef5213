create or replace view public.text_verse_coverage
with (security_invoker = true) as
select
    t.text_version_id,
    t.verse_id,
    c.chapter_id
from public.verse_texts as t
inner join public.text_versions as tv on t.text_version_id = tv.id
inner join public.verses as v on t.verse_id = v.id
inner join progress.canon_chapters as c
    on
        v.chapter_id = c.chapter_id
        and tv.bible_version_id = c.bible_version_id
where
    tv.deleted_at is null
    and progress.text_counts(t.verse_text, t.deleted_at);

comment on view public.text_verse_coverage is
'The verses that a text version has: one row for each verse of its own canon with text.';
