-- Names of two tables, each of whatever collation, make one list.
create view progress.versions
with (security_invoker = true) as
select
    'audio'::text as kind,
    v.id as version_id,
    v.bible_version_id,
    v.language_entity_id,
    v.created_at,
    v.name collate "default" as name
from public.audio_versions as v
where v.deleted_at is null
union all
select
    'text'::text as kind,
    v.id as version_id,
    v.bible_version_id,
    v.language_entity_id,
    v.created_at,
    v.name collate "default" as name
from public.text_versions as v
where v.deleted_at is null;

comment on view progress.versions is
'Every version that is not deleted, audio and text alike.';
