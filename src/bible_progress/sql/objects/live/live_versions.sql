-- Each version by itself: those of one language are added up, not all of them to pick a few.
create view progress.live_versions
with (security_invoker = true) as
select
    v.kind,
    v.version_id,
    s.covered_verses,
    s.total_verses,
    s.chapters_with_any,
    s.complete_chapters,
    s.total_chapters,
    s.books_complete,
    s.total_books
from progress.versions as v
cross join lateral (
    select l.*
    from progress.live_version_sums as l
    where l.kind = v.kind and l.version_id = v.version_id
    offset 0
) as s;

comment on view progress.live_versions is
'Every version, from the base tables as they are now.';
