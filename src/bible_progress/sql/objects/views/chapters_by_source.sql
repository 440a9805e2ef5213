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
    'stored'::text as source,
    s.kind,
    s.version_id,
    s.book_id,
    s.chapter_id,
    s.covered_verses,
    s.total_verses
from progress.stored_chapters as s;

comment on view progress.chapters_by_source is
'Chapters live or stored, so that the arithmetic above them is written once for both.';
