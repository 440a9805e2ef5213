-- name: status
select
    package_version,
    schema_version,
    environment,
    strategy,
    rollout_step,
    server_version,
    audio_versions,
    text_versions,
    stored_versions,
    queue_depth,
    dirty_versions,
    oldest_signal_seconds,
    unsettled_changes,
    failing_versions,
    dead_letters,
    last_drain_at,
    workers,
    cron_database,
    failing_seconds,
    unsignalled_versions,
    unfilled_views,
    foreign_numbers,
    oldest_snapshot_transactions,
    oldest_snapshot_seconds,
    queue_dead_rows
from progress.current_status();

-- name: hindrances
select
    cause,
    pid,
    database,
    username,
    application,
    state,
    seconds,
    finding
from progress.hindrances();

-- name: failures
select
    kind,
    version_id,
    attempts,
    next_attempt_at,
    last_error,
    failing_since
from progress.failures(%(at_most)s);

-- name: dead_letters
select
    id,
    kind,
    version_id,
    chapter_id,
    enqueued_at,
    died_at,
    attempts,
    last_error
from progress.dead_letters(%(at_most)s, %(after)s::json);

-- name: retry_dead_letters
select progress.retry_dead_letters(%(ids)s::uuid[]);

-- name: discard_dead_letter
select progress.discard_dead_letter(%(id)s);

-- name: versions
-- Exact, per testament: chapters of books whose testament is neither count for the whole only.
select
    v.kind,
    v.version_id,
    n.name,
    l.name as language,
    e.covered_verses,
    e.total_verses,
    e.books_complete,
    e.total_books,
    coalesce(t.old_covered, 0) as old_covered,
    coalesce(t.old_total, 0) as old_total,
    coalesce(t.new_covered, 0) as new_covered,
    coalesce(t.new_total, 0) as new_total,
    progress.percent(t.old_covered, t.old_total) as old_percent,
    progress.percent(t.new_covered, t.new_total) as new_percent,
    v.version_id = progress.exact_best_version(v.kind, v.language_entity_id) as is_best
from progress.versions as v
inner join (
    select
        'audio' as kind,
        a.id,
        a.name
    from public.audio_versions as a
    union all
    select
        'text' as kind,
        x.id,
        x.name
    from public.text_versions as x
) as n
    on
        v.kind = n.kind
        and v.version_id = n.id
left join public.language_entities as l on v.language_entity_id = l.id
cross join lateral progress.exact_version(v.kind, v.version_id) as e
cross join
    lateral (
        select
            sum(b.covered_verses) filter (where k.testament::text = 'old') as old_covered,
            sum(b.total_verses) filter (where k.testament::text = 'old') as old_total,
            sum(b.covered_verses) filter (where k.testament::text = 'new') as new_covered,
            sum(b.total_verses) filter (where k.testament::text = 'new') as new_total
        from progress.exact_books(v.kind, v.version_id) as b
        inner join public.books as k on b.book_id = k.id
    ) as t
order by
    v.kind desc,
    e.covered_verses desc,
    n.name collate "default" asc;

-- name: measurements
select
    measured_at,
    step,
    subject,
    name,
    source,
    samples,
    p50,
    p95,
    p99,
    bytes
from progress.measurements();

-- name: queue
select
    kind,
    version_id,
    signals,
    oldest_at
from progress.waiting_versions(%(at_most)s);
