-- The join with `verse` looks needless and is what makes (version, verse) an index look-up: it
-- hands the verse's chapter to the bitmap's key. One list a chapter numbers its verses; numbering
-- them as rows would be joined anew for each.
create view progress.stored_verses
with (security_invoker = true) as
select
    b.kind,
    b.version_id,
    verse.id as verse_id,
    verse.chapter_id
from progress.chapter_bitmap as b
inner join lateral (
    select array_agg(v.id order by v.verse_number, v.id collate "C") as verse_ids
    from public.verses as v
    where v.chapter_id = b.chapter_id
) as chapter on true
inner join public.verses as verse on b.chapter_id = verse.chapter_id
where
    -- Who does not see every verse of a chapter cannot tell which is which, and gets none.
    case
        when cardinality(chapter.verse_ids) = length(b.covered)
            then get_bit(b.covered, array_position(chapter.verse_ids, verse.id) - 1) = 1
        else false
    end;

comment on view progress.stored_verses is
'Covered verses from the bitmaps, audio and text alike.';
