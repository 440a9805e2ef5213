-- name: step
select rollout_step
from progress.settings;

-- name: set_step
update progress.settings set rollout_step = %(step)s;

-- name: hidden_versions
-- Versions that a policy may hide, where readers other than the owner are known.
select c.relname
from pg_catalog.pg_class as c
where
    c.oid in ('public.audio_versions'::regclass, 'public.text_versions'::regclass)
    and c.relrowsecurity
order by c.relname;

-- name: versions
select
    kind,
    version_id
from progress.versions
order by
    kind,
    version_id;

-- name: roll_up
select
    progress.refresh_all_chapters(%(kind)s, %(version_id)s),
    progress.refresh_summary(%(kind)s, %(version_id)s, 0);

-- name: forget_signals
with
queue as (delete from public.progress_refresh_queue),

letters as (delete from public.progress_refresh_dead_letter),

changes as (delete from progress.unsettled_change),

files as (delete from progress.deleted_media_file)

delete from progress.failure;
