-- From the version to its chapters to their verses, whose order a chapter's bits have.
create view progress.text_verses
with (security_invoker = true) as
select
    tv.id as version_id,
    c.chapter_id,
    v.id as verse_id,
    v.verse_number,
    t.verse_id is not null as is_covered
from public.text_versions as tv
inner join progress.canon_chapters as c on tv.bible_version_id = c.bible_version_id
inner join public.verses as v on c.chapter_id = v.chapter_id
left join public.verse_texts as t
    on
        tv.id = t.text_version_id
        and v.id = t.verse_id
        and progress.text_counts(t.verse_text, t.deleted_at)
where tv.deleted_at is null;

comment on view progress.text_verses is
'Every verse of the canon of every text version that is not deleted, and whether it has text.';
