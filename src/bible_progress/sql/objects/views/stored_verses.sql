-- The join with `verse` looks needless and is what makes (version, verse) an index look-up: it
-- hands the verse's chapter to the bitmap's key, which a filter on the numbered verses cannot.
create view progress.stored_verses
with (security_invoker = true) as
select
    b.kind,
    b.version_id,
    verse.id as verse_id,
    verse.chapter_id
from progress.chapter_bitmap as b
inner join public.verses as verse on b.chapter_id = verse.chapter_id
inner join lateral (
    select
        v.id,
        row_number() over (
            order by v.verse_number, v.id collate "C"
        ) as ordinal
    from public.verses as v
    where v.chapter_id = b.chapter_id
) as numbered on verse.id = numbered.id
where
    numbered.ordinal <= length(b.covered)
    and get_bit(b.covered, (numbered.ordinal - 1)::integer) = 1;

comment on view progress.stored_verses is
'Covered verses from the bitmaps, audio and text alike.';
