create view progress.recordings
with (security_invoker = true) as
select
    f.id,
    f.audio_version_id,
    f.chapter_id,
    f.start_verse_id,
    coalesce(f.end_verse_id, f.start_verse_id) as end_verse_id,
    av.bible_version_id,
    f.duration_seconds
from public.media_files as f
inner join public.audio_versions as av on f.audio_version_id = av.id
where
    av.deleted_at is null
    and progress.media_counts(
        f.media_type::text,
        f.is_bible_audio,
        f.upload_status::text,
        f.publish_status::text,
        f.deleted_at
    );

comment on view progress.recordings is
'The media files that count: published Bible audio of versions that are not deleted.';
