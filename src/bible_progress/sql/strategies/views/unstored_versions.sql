create view progress.unstored_versions
with (security_invoker = true) as
select
    v.kind,
    v.version_id,
    v.language_entity_id
from progress.versions as v
where false;

comment on view progress.unstored_versions is
'No version: at this level nothing is stored, and nothing can be missing.';
