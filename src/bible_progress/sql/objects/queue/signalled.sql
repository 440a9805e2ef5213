create view progress.signalled
with (security_invoker = true) as
select
    q.kind,
    q.version_id,
    q.chapter_id,
    q.enqueued_at
from progress.queued as q
union all
select
    d.kind,
    d.version_id,
    d.chapter_id,
    d.enqueued_at
from public.progress_refresh_dead_letter as d
union all
select
    ver.kind,
    ver.version_id,
    u.chapter_id,
    u.enqueued_at
from progress.unsettled_change as u
inner join progress.versions as ver
    on
        u.media_file_id is null
        and ver.bible_version_id = coalesce(u.bible_version_id, ver.bible_version_id)
where u.xid >= (select s.xid from progress.queue_start as s)
union all
select
    'audio'::text as kind,
    f.audio_version_id as version_id,
    null::text as chapter_id,
    u.enqueued_at
from progress.unsettled_change as u
inner join public.media_files as f on u.media_file_id = f.id
where
    f.audio_version_id is not null
    and u.xid >= (select s.xid from progress.queue_start as s);

comment on view progress.signalled is
'The chapters that a change may have touched since they were last refreshed; chapter NULL: the whole
version.';
