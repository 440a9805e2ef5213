-- What an install made things of, so that the next one knows what it changes.
-- progress: since 0.1.0

alter table progress.settings
-- A checksum of each materialized view, and one of all that stored numbers are computed from.
add column materialized jsonb not null default '{}',
add column numbers text,
-- Since when our views and triggers are off.
add column suspended_at timestamptz;
