create view progress.exact_books
with (security_invoker = true) as
select
    v.kind,
    v.version_id,
    e.*
from progress.versions as v
cross join lateral progress.exact_books(v.kind, v.version_id) as e;

comment on view progress.exact_books is
'The books of every version, as progress.exact_books() has them for one.';
