-- A materialized view that is not filled cannot even be opened, so it is hidden in a function.
create view progress.unstored_versions
with (security_invoker = true) as
select
    v.kind,
    v.version_id,
    v.language_entity_id
from progress.versions as v
where progress.is_filled() and progress.is_missing(v.kind, v.version_id);

comment on view progress.unstored_versions is
'The versions of which the materialized views have no summary; none while one is not filled.';
