-- State that outlives an upgrade of the code: settings, queue, dead letters, rollups, history.
-- Everything readers may not see stays in schema progress; the queue keeps its contract name.
-- progress: since 0.1.0

create schema if not exists progress;

create table progress.migration (
    name text primary key,
    checksum text not null,
    applied_at timestamptz not null default now()
);

-- One row. The package version that installed last, and what the operator chose.
create table progress.settings (
    only_row boolean primary key default true check (only_row),
    schema_version integer not null,
    -- How many migrations code must know to work here.
    oldest_code integer not null default 1,
    package_version text not null,
    installed_at timestamptz not null default now(),
    environment text not null default 'development'
    check (environment in ('development', 'production')),
    rollout_step integer not null default 5 check (rollout_step between 1 and 5),
    max_attempts integer not null default 8 check (max_attempts > 0),
    backoff_base interval not null default '1 second' check (backoff_base > '0'),
    backoff_cap interval not null default '10 minutes' check (backoff_cap > '0'),
    owns_host_tables boolean not null,
    reader_roles text[] not null default '{}',
    cron_database text
);

-- Signals. Unique within one transaction only, so that a writer meets no row but its own:
-- docs/decisions/0001-signals-by-transaction.md.
create table public.progress_refresh_queue (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('audio', 'text')),
    version_id uuid not null,
    chapter_id text,
    enqueued_at timestamptz not null default clock_timestamp(),
    xid xid8 not null default pg_current_xact_id(),
    unique nulls not distinct (kind, version_id, chapter_id, xid)
) with (
    -- Rows live for milliseconds: vacuum by count, not by share of the table.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 10000,
    autovacuum_vacuum_cost_delay = 0
);

alter table public.progress_refresh_queue enable row level security;

create table public.progress_refresh_dead_letter (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('audio', 'text')),
    version_id uuid not null,
    chapter_id text,
    enqueued_at timestamptz not null,
    died_at timestamptz not null default clock_timestamp(),
    attempts integer not null,
    last_error text not null,
    unique nulls not distinct (kind, version_id, chapter_id)
);

alter table public.progress_refresh_dead_letter enable row level security;

-- Changes of structure that a transaction which ran beside them may not have seen:
-- docs/decisions/0005-unsettled-changes.md. A row leaves when all of those have ended.
create table progress.unsettled_change (
    id bigint generated always as identity primary key,
    bible_version_id text,
    chapter_id text,
    media_file_id uuid,
    enqueued_at timestamptz not null default clock_timestamp(),
    xid xid8 not null default pg_current_xact_id(),
    settles_at xid8,
    rounds_left integer not null default 2,
    unique nulls not distinct (bible_version_id, chapter_id, media_file_id, xid),
    -- Neither: every canon, for a change made from an old snapshot.
    constraint names_a_canon_or_a_file check (
        num_nonnulls(bible_version_id, media_file_id) <= 1
    ),
    constraint chapter_belongs_to_a_canon check (
        chapter_id is null or bible_version_id is not null
    )
);

-- Which version a deleted media file belonged to, for the verse timings that the same statement
-- deletes with it: their trigger runs when the file is gone. Of no use after the transaction.
create table progress.deleted_media_file (
    media_file_id uuid not null,
    audio_version_id uuid not null,
    xid xid8 not null default pg_current_xact_id(),
    primary key (media_file_id, xid)
);

-- Audio versions with verse timings that may cover more than their recordings do by their own
-- columns; one row for each transaction that wrote some.
create table progress.timed_version (
    audio_version_id uuid not null,
    xid xid8 not null default pg_current_xact_id(),
    primary key (audio_version_id, xid)
);

-- Versions whose last drain failed, and when the next attempt is due.
create table progress.failure (
    kind text not null,
    version_id uuid not null,
    attempts integer not null,
    next_attempt_at timestamptz not null,
    last_error text not null,
    failed_at timestamptz not null default clock_timestamp(),
    primary key (kind, version_id)
);

-- One bit a verse of the chapter, in canon order; only chapters with something covered.
create table progress.chapter_bitmap (
    kind text not null,
    version_id uuid not null,
    chapter_id text not null,
    covered bit varying not null check (bit_count(covered) > 0),
    primary key (kind, version_id, chapter_id)
) with (fillfactor = 70);

create table progress.book_rollup (
    kind text not null,
    version_id uuid not null,
    book_id text not null,
    covered_verses integer not null,
    total_verses integer not null,
    chapters_with_any integer not null,
    complete_chapters integer not null,
    total_chapters integer not null,
    primary key (kind, version_id, book_id),
    constraint covered_is_within_total check (covered_verses between 0 and total_verses),
    constraint complete_is_within_any check (complete_chapters between 0 and chapters_with_any),
    constraint any_is_within_total check (chapters_with_any between 0 and total_chapters)
) with (fillfactor = 70);

create table progress.version_rollup (
    kind text not null,
    version_id uuid not null,
    covered_verses integer not null,
    total_verses integer not null,
    chapters_with_any integer not null,
    complete_chapters integer not null,
    total_chapters integer not null,
    books_complete integer not null,
    total_books integer not null,
    refreshed_at timestamptz not null,
    primary key (kind, version_id),
    constraint covered_is_within_total check (covered_verses between 0 and total_verses),
    constraint complete_is_within_any check (complete_chapters between 0 and chapters_with_any),
    constraint any_is_within_total check (chapters_with_any between 0 and total_chapters),
    constraint books_are_within_total check (books_complete between 0 and total_books)
) with (fillfactor = 70);

-- The last state of each UTC day on which a version's summary changed.
create table progress.version_history (
    kind text not null,
    version_id uuid not null,
    day date not null,
    covered_verses integer not null,
    total_verses integer not null,
    chapters_with_any integer not null,
    complete_chapters integer not null,
    total_chapters integer not null,
    books_complete integer not null,
    total_books integer not null,
    primary key (kind, version_id, day)
) with (fillfactor = 70);

-- Who drains, for `status` only: nothing waits for or relies on these rows.
create table progress.worker (
    worker_id uuid primary key,
    description text not null,
    started_at timestamptz not null default clock_timestamp(),
    seen_at timestamptz not null default clock_timestamp(),
    drained bigint not null default 0,
    last_drain_at timestamptz
);

-- What `rollout measure` found, kept so that a step can be compared with the one before.
create table progress.measurement (
    id bigint generated always as identity primary key,
    run_id uuid not null,
    step integer not null,
    measured_at timestamptz not null default clock_timestamp(),
    subject text not null check (subject in ('read', 'refresh', 'size', 'write')),
    name text not null,
    level text,
    kind text,
    source text,
    temperature text,
    readers integer,
    samples integer not null,
    p50 double precision,
    p95 double precision,
    p99 double precision,
    bytes bigint,
    note text
);

-- What an operator forced in a production database, and why.
create table progress.override (
    id bigint generated always as identity primary key,
    action text not null,
    reason text not null,
    overridden_by text not null default session_user,
    overridden_at timestamptz not null default clock_timestamp()
);

-- Rollups carry the rows that readers may see, so the version's own row security must hold
-- for them too: a row shows only where the reading role can see its version.
alter table progress.chapter_bitmap enable row level security;
alter table progress.book_rollup enable row level security;
alter table progress.version_rollup enable row level security;
alter table progress.version_history enable row level security;

comment on table progress.migration is
'Which migrations made this schema.';
comment on table progress.settings is
'One row: the package that installed last, and what the operator chose.';
comment on table public.progress_refresh_queue is
'Signals: which chapter of which version changed (NULL: all of it), and in which transaction.';
comment on table public.progress_refresh_dead_letter is
'Signals of versions whose drains failed too often; they stay dirty and are read live.';
comment on table progress.unsettled_change is
'Changes of structure that a running transaction may not have seen.';
comment on table progress.deleted_media_file is
'Which version a recording belonged to that its transaction deleted.';
comment on table progress.timed_version is
'Audio versions with verse timings that may add verses to their recordings.';
comment on table progress.failure is
'Versions whose last drain failed, and when the next attempt is due.';
comment on table progress.chapter_bitmap is
'Stored: one bit a verse, in canon order, for each chapter with something covered.';
comment on table progress.book_rollup is
'Stored: the counts of each book of each version.';
comment on table progress.version_rollup is
'Stored: the counts of each version.';
comment on table progress.version_history is
'The last counts of each UTC day on which those of a version changed.';
comment on table progress.worker is
'Who drains, for the status.';
comment on table progress.measurement is
'What rollout measure found: times in seconds, sizes in bytes.';
comment on table progress.override is
'What an operator forced in a production database, and why.';
