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
-- One statement, hence one snapshot: a version is either compared or told why it is not.
select
    w.why_dirty,
    d.level,
    d.side,
    d.difference
from progress.why_dirty(%(kind)s, %(version_id)s) as w (why_dirty)
left join progress.drift(%(kind)s, %(version_id)s) as d on true;

-- name: repair
select progress.repair(%(kind)s, %(version_id)s);

-- name: settings
select rollout_step
from progress.current_status();

-- name: wrong_totals
select
    'chapters.total_verses of ' || chapter_id || ' says ' || coalesce(stored::text, 'nothing')
    || ', the chapter has ' || counted as finding
from progress.wrong_totals();
