-- A chapter without a bitmap has nothing covered; its length comes from the canon itself, which
-- every snapshot sees as it is.
create view progress.rollup_chapters
with (security_invoker = true) as
select
    ver.kind,
    ver.version_id,
    c.book_id,
    c.chapter_id,
    coalesce(bit_count(b.covered), 0)::integer as covered_verses,
    case
        when b.covered is null
            then (
                select count(*)::integer
                from public.verses as v
                where v.chapter_id = c.chapter_id
            )
        else length(b.covered)
    end as total_verses,
    c.book_number,
    c.chapter_number
from progress.versions as ver
inner join progress.canon_chapters as c on ver.bible_version_id = c.bible_version_id
left join lateral (
    select b.covered
    from progress.chapter_bitmap as b
    where
        b.kind = ver.kind
        and b.version_id = ver.version_id
        and b.chapter_id = c.chapter_id
    -- A look-up for each chapter, whatever the planner guesses.
    limit 1
) as b on true;

comment on view progress.rollup_chapters is
'Covered and total verses of every chapter of every version, from the bitmaps.';
