create view progress.stored_books
with (security_invoker = true) as
select s.*
from progress.live_books as s;

comment on view progress.stored_books is
'Nothing is stored at this level: the books as the base tables say.';
