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
with found as materialized (
    select
        kind,
        version_id,
        attempts,
        next_attempt_at,
        last_error,
        failing_since,
        row_number() over () as place
    from progress.failures(%(at_most)s)
)

select
    f.kind,
    f.version_id,
    n.name,
    n.is_deleted,
    f.attempts,
    f.next_attempt_at,
    f.last_error,
    f.failing_since
from found as f
inner join progress.version_names(
    (select array_agg(o.kind) from found as o), (select array_agg(o.version_id) from found as o)
) as n on f.kind = n.kind and f.version_id = n.version_id
order by f.place;

-- name: dead_letters
with found as materialized (
    select
        id,
        kind,
        version_id,
        chapter_id,
        enqueued_at,
        died_at,
        attempts,
        last_error
    from progress.dead_letters(%(at_most)s, %(after)s::json)
)

select
    f.id,
    f.kind,
    f.version_id,
    n.name,
    n.is_deleted,
    f.chapter_id,
    f.enqueued_at,
    f.died_at,
    f.attempts,
    f.last_error
from found as f
inner join progress.version_names(
    (select array_agg(o.kind) from found as o), (select array_agg(o.version_id) from found as o)
) as n on f.kind = n.kind and f.version_id = n.version_id
order by f.died_at, f.id;

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
with found as materialized (
    select
        kind,
        version_id,
        signals,
        oldest_at,
        row_number() over () as place
    from progress.waiting_versions(%(at_most)s)
)

select
    f.kind,
    f.version_id,
    n.name,
    n.is_deleted,
    f.signals,
    f.oldest_at
from found as f
inner join progress.version_names(
    (select array_agg(o.kind) from found as o), (select array_agg(o.version_id) from found as o)
) as n on f.kind = n.kind and f.version_id = n.version_id
order by f.place;
