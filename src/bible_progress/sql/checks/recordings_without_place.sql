-- title: published recordings that name no verse
-- severity: warning
-- when: sound host
-- why: Without a chapter, a start verse or verse timings they cover nothing.
-- fix: Say what they are recordings of.
select 'recording ' || f.id || coalesce(' (' || f.original_filename || ')', '') as finding
from public.media_files as f
where
    f.deleted_at is null
    and f.audio_version_id is not null
    and f.chapter_id is null
    and f.start_verse_id is null
    and f.media_type::text = 'audio'
    and f.is_bible_audio
    and f.publish_status::text = 'published'
    and not exists (
        select
        from public.media_files_verses as t
        where t.media_file_id = f.id and t.deleted_at is null
    )
order by finding;
