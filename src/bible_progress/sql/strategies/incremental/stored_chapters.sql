create view progress.stored_chapters
with (security_invoker = true) as
select s.*
from progress.rollup_chapters as s;

comment on view progress.stored_chapters is
'The chapters of every version, from the bitmaps.';
