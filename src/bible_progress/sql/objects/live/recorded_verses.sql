-- The two range arms differ only in speed: nearly every range stays inside one chapter, and that
-- case must not compare a range with every verse.
create view progress.recorded_verses
with (security_invoker = true) as
-- A whole chapter.
select
    w.audio_version_id,
    v.id as verse_id,
    v.chapter_id
from progress.whole_chapters as w
inner join public.verses as v on w.chapter_id = v.chapter_id
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
where r.start_verse_id is not null
union all
-- A range that crosses chapters.
select
    r.audio_version_id,
    v.verse_id,
    v.chapter_id
from progress.recordings as r
inner join public.verses as first_verse on r.start_verse_id = first_verse.id
inner join public.verses as last_verse
    on
        r.end_verse_id = last_verse.id
        and first_verse.chapter_id <> last_verse.chapter_id
cross join
    lateral (
        select
            b.verse_id,
            b.chapter_id
        from progress.verses_between(r.bible_version_id, r.start_verse_id, r.end_verse_id) as b
    ) as v
-- The second is implied by the joins; said so that most ranges are passed over without them.
where r.start_verse_id is not null and r.end_verse_id <> r.start_verse_id;

comment on view progress.recorded_verses is
'The verses that recordings cover by their own columns, as whole chapters and verse ranges; a verse
once for each recording of it.';
