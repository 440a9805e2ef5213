create view progress.stored_chapters
with (security_invoker = true) as
select
    l.kind,
    l.version_id,
    l.book_id,
    l.chapter_id,
    l.covered_verses,
    l.total_verses,
    l.book_number,
    l.chapter_number
from progress.live_chapters as l;

comment on view progress.stored_chapters is
'Nothing is stored at this level: the chapters as the base tables say.';
