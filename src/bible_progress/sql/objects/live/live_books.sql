create view progress.live_books
with (security_invoker = true) as
select s.*
from progress.live_book_sums as s;

comment on view progress.live_books is
'The books of every version, from the base tables as they are now.';
