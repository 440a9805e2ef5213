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
    workers
from progress.status;

-- name: failures
select
    kind,
    version_id,
    attempts,
    next_attempt_at,
    last_error
from progress.failure
order by failed_at desc
limit %(at_most)s;

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
from public.progress_refresh_dead_letter
order by id;

-- name: retry_dead_letters
select progress.retry_dead_letters(%(ids)s::bigint[]);

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
    n.name asc;

-- name: measurements
-- The last run of rollout measure.
select
    m.measured_at,
    m.step,
    m.subject,
    m.name,
    m.source,
    m.samples,
    m.p50,
    m.p95,
    m.p99,
    m.bytes
from progress.measurement as m
where
    m.run_id = (
        select l.run_id
        from progress.measurement as l
        order by l.id desc
        limit 1
    )
order by m.id
limit 200;

-- name: queue
select
    q.kind,
    q.version_id,
    count(*) as signals,
    min(q.enqueued_at) as oldest_at
from public.progress_refresh_queue as q
group by q.kind, q.version_id
order by min(q.id)
limit %(at_most)s;
