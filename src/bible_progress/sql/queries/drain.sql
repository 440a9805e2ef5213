-- name: require_schema
select progress.require_schema(%(schema_version)s);

-- name: is_standby
select pg_is_in_recovery();

-- name: due
-- An upgrade may come between any two statements: each asks whether it may go on.
-- Nothing here waits for the disk: what a crash takes away is done again, for it takes the removal
-- of the signals too. docs/decisions/0008-drains-do-not-wait-for-the-disk.md
select
    kind,
    version_id,
    oldest_at
from progress.due_versions(%(at_most)s)
cross join set_config('synchronous_commit', 'off', true)
where (select progress.require_schema(%(schema_version)s));

-- name: drain
select
    outcome,
    signals,
    chapters,
    rows_changed,
    lag_seconds,
    error
from progress.drain_version(%(kind)s, %(version_id)s, true, %(schema_version)s);

-- name: warm_up
select progress.warm_up();

-- name: record_failure
select progress.record_lost_drain(%(kind)s, %(version_id)s, %(error)s);

-- name: signal_all
select
    progress.signal_all('audio'),
    progress.signal_all('text');

-- name: signal_unsignalled
select progress.signal_unsignalled(%(at_most)s);

-- name: signal_version
select progress.signal_version(%(version_id)s);

-- name: guard
select progress.guard(%(action)s, %(automated)s, %(reason)s);

-- name: beat
select progress.beat(%(worker_id)s, %(description)s, %(drained)s, %(last_drain_at)s);

-- name: leave
select progress.leave(%(worker_id)s);

-- name: limit_statements
select set_config('statement_timeout', %(timeout)s, true);
