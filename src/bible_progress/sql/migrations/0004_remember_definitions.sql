-- What an install made things of, so that the next one knows what it changes.
-- progress: since 0.1.0

alter table progress.settings
-- A checksum of each materialized view.
add column materialized jsonb not null default '{}';
