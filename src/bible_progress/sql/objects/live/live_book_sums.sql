-- progress: also rollup for live
-- progress: also stored for live
-- progress: also exact for live
create view progress.live_book_sums
with (security_invoker = true) as
select
    ver.kind,
    ver.version_id,
    b.id as book_id,
    coalesce(sum(c.covered_verses), 0)::integer as covered_verses,
    coalesce(sum(c.total_verses), 0)::integer as total_verses,
    count(*) filter (where c.covered_verses > 0)::integer as chapters_with_any,
    count(*) filter (
        where progress.is_complete(c.covered_verses, c.total_verses)
    )::integer as complete_chapters,
    count(*) filter (where c.total_verses > 0)::integer as total_chapters,
    b.book_number
from progress.versions as ver
inner join public.books as b on ver.bible_version_id = b.bible_version_id
left join progress.live_chapters as c
    on
        ver.kind = c.kind
        and ver.version_id = c.version_id
        and b.id = c.book_id
group by ver.kind, ver.version_id, b.id, b.book_number;

comment on view progress.live_book_sums is
'Every book of every version, summed from its live chapters: the definition of the book level.
Chapters without verses are none of its chapters.';
