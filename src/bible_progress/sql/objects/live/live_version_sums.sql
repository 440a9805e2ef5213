-- progress: also rollup for live
-- progress: also stored for live
-- progress: also exact for live
create view progress.live_version_sums
with (security_invoker = true) as
select
    ver.kind,
    ver.version_id,
    coalesce(sum(b.covered_verses), 0)::integer as covered_verses,
    coalesce(sum(b.total_verses), 0)::integer as total_verses,
    coalesce(sum(b.chapters_with_any), 0)::integer as chapters_with_any,
    coalesce(sum(b.complete_chapters), 0)::integer as complete_chapters,
    coalesce(sum(b.total_chapters), 0)::integer as total_chapters,
    count(*) filter (
        where progress.is_complete(b.covered_verses, b.total_verses)
    )::integer as books_complete,
    count(*) filter (where b.total_verses > 0)::integer as total_books
from progress.versions as ver
left join progress.live_books as b on ver.kind = b.kind and ver.version_id = b.version_id
group by ver.kind, ver.version_id;

comment on view progress.live_version_sums is
'Every version, summed from its live books: the definition of the version level. Books without
verses are none of its books.';
