-- title: recordings that are not counted yet
-- severity: advice
-- when: sound host
-- why: A recording counts once it is uploaded and published; a new row has pending in both columns.
-- fix: Once they are, set upload_status to completed and publish_status to published.
select
    'upload_status is ' || f.upload_status::text
    || ' and publish_status is ' || f.publish_status::text
    || ' in ' || count(*) || ' rows' as finding
from public.media_files as f
where
    f.deleted_at is null
    and f.audio_version_id is not null
    and f.media_type::text = 'audio'
    and f.is_bible_audio
    and f.upload_status::text in ('pending', 'uploading', 'failed', 'completed')
    and f.publish_status::text in ('pending', 'published')
    and (f.upload_status::text, f.publish_status::text) <> ('completed', 'published')
group by f.upload_status::text, f.publish_status::text
order by finding;
