create view progress.stored_versions
with (security_invoker = true) as
select s.*
from progress.version_rollup as s;

comment on view progress.stored_versions is
'Every version, from the rollups.';
