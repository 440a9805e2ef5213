-- Writes past the triggers leave no signal; of a version that came that way nothing is stored.
create view progress.dirty
with (security_invoker = true) as
select
    s.kind,
    s.version_id,
    s.chapter_id
from progress.suspect as s
union all
select
    u.kind,
    u.version_id,
    null::text as chapter_id
from progress.unstored_versions as u;

comment on view progress.dirty is
'The chapters whose stored numbers may differ from the base tables, or are not there; chapter NULL:
the whole version. What is not listed here is exact.';
