create view progress.stored_versions
with (security_invoker = true) as
select
    l.*,
    null::timestamptz as refreshed_at
from progress.live_versions as l;

comment on view progress.stored_versions is
'Nothing is stored at this level: the versions as the base tables say.';
