-- The sort keys start with the numbers because comparing ids costs a collation each time.
create view progress.live_bitmaps
with (security_invoker = true) as
select
    ver.kind,
    ver.version_id,
    c.chapter_id,
    string_agg(
        case when covered.verse_id is null then '0' else '1' end,
        ''
        order by v.verse_number, v.id collate "C"
    )::bit varying as covered
from progress.versions as ver
inner join progress.canon_chapters as c on ver.bible_version_id = c.bible_version_id
inner join public.verses as v on c.chapter_id = v.chapter_id
left join progress.live_verses as covered
    on
        ver.kind = covered.kind
        and ver.version_id = covered.version_id
        and c.chapter_id = covered.chapter_id
        and v.id = covered.verse_id
group by ver.kind, ver.version_id, c.book_number, c.chapter_number, c.chapter_id
having count(covered.verse_id) > 0;

comment on view progress.live_bitmaps is
'What the stored bitmaps must be: one bit a verse of the chapter, for chapters with any coverage.';
