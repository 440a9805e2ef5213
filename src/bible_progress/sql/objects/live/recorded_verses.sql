-- A range runs in canon order: book, chapter, verse by their number columns; where two books or
-- two chapters share a number their ids decide. The two range arms differ only in speed: nearly
-- every range stays inside one chapter, and that case must not compare a range with every verse.
create view progress.recorded_verses
with (security_invoker = true) as
-- A whole chapter.
select
    r.audio_version_id,
    v.id as verse_id,
    v.chapter_id
from progress.recordings as r
inner join progress.canon_chapters as c
    on
        r.chapter_id = c.chapter_id
        and r.bible_version_id = c.bible_version_id
inner join public.verses as v on c.chapter_id = v.chapter_id
where r.start_verse_id is null
union all
-- A range inside one chapter.
select
    r.audio_version_id,
    v.id as verse_id,
    v.chapter_id
from progress.recordings as r
inner join public.verses as first_verse on r.start_verse_id = first_verse.id
inner join public.verses as last_verse
    on
        r.end_verse_id = last_verse.id
        and first_verse.chapter_id = last_verse.chapter_id
inner join progress.canon_chapters as c
    on
        first_verse.chapter_id = c.chapter_id
        and r.bible_version_id = c.bible_version_id
inner join public.verses as v
    on
        c.chapter_id = v.chapter_id
        and v.verse_number between first_verse.verse_number and last_verse.verse_number
union all
-- A range that crosses chapters.
select
    r.audio_version_id,
    v.id as verse_id,
    v.chapter_id
from progress.recordings as r
inner join public.verses as first_verse on r.start_verse_id = first_verse.id
inner join public.verses as last_verse
    on
        r.end_verse_id = last_verse.id
        and first_verse.chapter_id <> last_verse.chapter_id
inner join progress.canon_chapters as first_chapter
    on
        first_verse.chapter_id = first_chapter.chapter_id
        and r.bible_version_id = first_chapter.bible_version_id
inner join progress.canon_chapters as last_chapter
    on
        last_verse.chapter_id = last_chapter.chapter_id
        and r.bible_version_id = last_chapter.bible_version_id
inner join progress.canon_chapters as c
    on
        r.bible_version_id = c.bible_version_id
        and (c.book_number, c.book_id, c.chapter_number, c.chapter_id)
        between (
            first_chapter.book_number,
            first_chapter.book_id,
            first_chapter.chapter_number,
            first_chapter.chapter_id
        )
        and (
            last_chapter.book_number,
            last_chapter.book_id,
            last_chapter.chapter_number,
            last_chapter.chapter_id
        )
inner join public.verses as v
    on
        c.chapter_id = v.chapter_id
        and (first_verse.chapter_id <> c.chapter_id or first_verse.verse_number <= v.verse_number)
        and (last_verse.chapter_id <> c.chapter_id or last_verse.verse_number >= v.verse_number)
-- Implied by the joins; said so that the index on start_verse_id passes over whole chapters.
where r.start_verse_id is not null;

comment on view progress.recorded_verses is
'The verses that recordings cover by their own columns, as whole chapters and verse ranges; a verse
once for each recording of it.';
