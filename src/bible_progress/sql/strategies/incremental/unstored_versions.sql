-- An arm a kind, each joined by the id alone.
create view progress.unstored_versions
with (security_invoker = true) as
select
    v.kind,
    v.version_id,
    v.language_entity_id
from progress.versions as v
where
    v.kind = 'audio'
    and not exists (
        select
        from progress.version_rollup as r
        where r.kind = 'audio' and r.version_id = v.version_id
    )
union all
select
    v.kind,
    v.version_id,
    v.language_entity_id
from progress.versions as v
where
    v.kind = 'text'
    and not exists (
        select
        from progress.version_rollup as r
        where r.kind = 'text' and r.version_id = v.version_id
    );

comment on view progress.unstored_versions is
'The versions that have no rollup: those that are new, and those that came past the triggers.';
