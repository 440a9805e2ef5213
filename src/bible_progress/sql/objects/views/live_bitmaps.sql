-- Verse timings are found among those of every version that has the chapter, so it pays to leave
-- them out where they add nothing: docs/decisions/0007-timings-that-add-nothing.md.
-- The sort keys start with the numbers because comparing ids costs a collation each time.
create view progress.live_bitmaps
with (security_invoker = true) as
select
    reach.name as reach,
    ver.kind,
    ver.version_id,
    c.chapter_id,
    string_agg(
        case when covered.verse_id is null then '0' else '1' end,
        ''
        order by v.verse_number, v.id collate "C"
    )::bit varying as covered
from progress.versions as ver
cross join (values ('all'), ('recordings')) as reach (name)
inner join progress.canon_chapters as c on ver.bible_version_id = c.bible_version_id
inner join public.verses as v on c.chapter_id = v.chapter_id
left join (
    select
        'all'::text as reach,
        l.kind,
        l.version_id,
        l.verse_id,
        l.chapter_id
    from progress.live_verses as l
    union all
    select distinct
        'recordings'::text as reach,
        'audio'::text as kind,
        r.audio_version_id as version_id,
        r.verse_id,
        r.chapter_id
    from progress.recorded_verses as r
) as covered
    on
        reach.name = covered.reach
        and ver.kind = covered.kind
        and ver.version_id = covered.version_id
        and c.chapter_id = covered.chapter_id
        and v.id = covered.verse_id
group by reach.name, ver.kind, ver.version_id, c.book_number, c.chapter_number, c.chapter_id
having count(covered.verse_id) > 0;

comment on view progress.live_bitmaps is
'What the stored bitmaps must be: one bit a verse of the chapter, for chapters with any coverage.
Reach `recordings` leaves verse timings out, which is the same where none adds a verse; `all` does
not.';
