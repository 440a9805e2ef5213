create view progress.exact_versions
with (security_invoker = true) as
select
    v.kind,
    v.version_id,
    e.*
from progress.versions as v
cross join lateral progress.exact_version(v.kind, v.version_id) as e;

comment on view progress.exact_versions is
'Every version, as progress.exact_version() has it for one.';
