create view progress.stored_books
with (security_invoker = true) as
select s.*
from progress.rollup_books as s;

comment on view progress.stored_books is
'The books of every version, which here are the rollups.';
