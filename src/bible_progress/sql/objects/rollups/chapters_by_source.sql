create view progress.chapters_by_source
with (security_invoker = true) as
select
    'live'::text as source,
    l.kind,
    l.version_id,
    l.book_id,
    l.chapter_id,
    l.covered_verses,
    l.total_verses
from progress.live_chapters as l
union all
select
    'rollup'::text as source,
    r.kind,
    r.version_id,
    r.book_id,
    r.chapter_id,
    r.covered_verses,
    r.total_verses
from progress.rollup_chapters as r
union all
select
    'stored'::text as source,
    s.kind,
    s.version_id,
    s.book_id,
    s.chapter_id,
    s.covered_verses,
    s.total_verses
from progress.stored_chapters as s
union all
select
    'exact'::text as source,
    v.kind,
    v.version_id,
    e.book_id,
    e.chapter_id,
    e.covered_verses,
    e.total_verses
from progress.versions as v
inner join public.books as b on v.bible_version_id = b.bible_version_id
cross join lateral progress.exact_chapters(v.kind, v.version_id, b.id) as e;

comment on view progress.chapters_by_source is
'Chapters live, rolled up, stored or exact, so that the arithmetic above them is written once for
all.';
