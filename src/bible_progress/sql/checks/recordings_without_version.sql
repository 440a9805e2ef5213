-- title: published recordings that belong to no version
-- severity: warning
-- when: sound host
-- why: They count for nobody.
-- fix: Give their audio_version_id.
select 'recording ' || f.id || coalesce(' (' || f.original_filename || ')', '') as finding
from public.media_files as f
where
    f.deleted_at is null
    and f.audio_version_id is null
    and f.media_type::text = 'audio'
    and f.is_bible_audio
    and f.publish_status::text = 'published'
order by finding;
