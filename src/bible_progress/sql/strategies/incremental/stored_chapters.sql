create view progress.stored_chapters
with (security_invoker = true) as
select
    r.kind,
    r.version_id,
    r.book_id,
    r.chapter_id,
    r.covered_verses,
    r.total_verses,
    r.book_number,
    r.chapter_number
from progress.rollup_chapters as r;

comment on view progress.stored_chapters is
'The chapters of every version, from the bitmaps.';
