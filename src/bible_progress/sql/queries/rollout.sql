-- name: step
select rollout_step
from progress.settings;

-- name: set_step
-- What the new step stores has been computed here: of the same definitions, it is no change.
update progress.settings
set
    rollout_step = %(step)s,
    numbers = case when numbers = %(before)s then %(after)s else numbers end;

-- name: versions
select
    kind,
    version_id
from progress.versions
order by
    kind,
    version_id;

-- name: dirty_versions
select distinct
    kind,
    version_id
from progress.dirty
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
