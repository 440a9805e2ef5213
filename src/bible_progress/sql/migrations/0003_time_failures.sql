-- How long a drain may fail is a time, not a number of attempts.
-- progress: since 0.1.0

alter table progress.settings
add column dead_after interval not null default '1 day' check (dead_after >= '0'),
add column retry_dead_after interval not null default '1 day' check (retry_dead_after > '0'),
drop column if exists max_attempts;

alter table progress.failure
add column failing_since timestamptz not null default clock_timestamp(),
-- Of the first error that does not pass by itself.
add column fault_since timestamptz;

update progress.failure
set failing_since = failed_at;

alter table public.progress_refresh_dead_letter
add column failing_since timestamptz not null default clock_timestamp();

update public.progress_refresh_dead_letter
set failing_since = died_at;

drop function if exists progress.current_status();
drop function if exists progress.failures(integer);
