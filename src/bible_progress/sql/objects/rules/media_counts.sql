-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
-- Statuses are enums on some hosts and text on others: callers cast them to text.
create or replace function progress.media_counts(
    p_media_type text,
    p_is_bible_audio boolean,
    p_upload_status text,
    p_publish_status text,
    p_deleted_at timestamptz
)
returns boolean
language sql
immutable
parallel safe
return p_deleted_at is null
and p_media_type = 'audio'
and p_is_bible_audio
and p_upload_status = 'completed'
and p_publish_status = 'published';

comment on function progress.media_counts(text, boolean, text, text, timestamptz) is
'Whether a media file is a recording that counts: Bible audio, uploaded, published, not deleted.';
