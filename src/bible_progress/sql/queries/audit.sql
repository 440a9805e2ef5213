-- name: versions
select
    kind,
    version_id
from progress.auditable_versions();

-- name: sample
select
    kind,
    version_id
from progress.auditable_versions(%(at_most)s);

-- name: drift
select
    level,
    side,
    difference
from progress.drift(%(kind)s, %(version_id)s);

-- name: is_dirty
select progress.is_dirty(%(kind)s, %(version_id)s);

-- name: repair
select progress.repair(%(kind)s, %(version_id)s);

-- name: settings
select rollout_step
from progress.current_status();

-- name: lying_totals
select
    'chapters.total_verses of ' || chapter_id || ' says ' || coalesce(stored::text, 'nothing')
    || ', the chapter has ' || counted as finding
from progress.lying_totals();
