-- Verse timings are found among those of every version that has the chapter, so it pays to leave
-- them out where they add nothing: docs/decisions/0007-timings-that-add-nothing.md.
-- Verses are looked for in one list a chapter: as rows they would be sorted all at once.
create view progress.live_bitmaps
with (security_invoker = true) as
select
    chapter.reach,
    chapter.kind,
    chapter.version_id,
    chapter.chapter_id,
    (
        select
            string_agg(
                case when v.id = any(chapter.verse_ids) then '1' else '0' end,
                ''
                order by v.verse_number, v.id collate "C"
            )::bit varying
        from public.verses as v
        where v.chapter_id = chapter.chapter_id
    ) as covered
from (
    select
        c.reach,
        c.kind,
        c.version_id,
        c.chapter_id,
        array_agg(c.verse_id) as verse_ids
    from (
        select
            'all'::text as reach,
            l.kind,
            l.version_id,
            l.verse_id,
            l.chapter_id
        from progress.live_verses as l
        union all
        select
            'recordings'::text as reach,
            'audio'::text as kind,
            r.audio_version_id as version_id,
            r.verse_id,
            r.chapter_id
        from progress.recorded_verses as r
    ) as c
    group by c.reach, c.kind, c.version_id, c.chapter_id
) as chapter;

comment on view progress.live_bitmaps is
'What the stored bitmaps must be: one bit a verse of the chapter, for chapters with any coverage.
Reach `recordings` leaves verse timings out, which is the same where none adds a verse; `all` does
not.';
