create view progress.rollup_books
with (security_invoker = true) as
select
    r.*,
    b.book_number
from progress.book_rollup as r
left join public.books as b on r.book_id = b.id;

comment on view progress.rollup_books is
'The books of every version, from the rollups.';
