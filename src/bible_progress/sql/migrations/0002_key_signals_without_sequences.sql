-- No key of ours comes from a sequence any more: logical replication copies rows and leaves
-- sequences behind, and a key that is given out twice would fail the host's own write. Signals and
-- notes that are gone are skipped by number: docs/decisions/0014-old-snapshots.md.
-- progress: since 0.1.0

drop function if exists progress.dead_letters();
drop function if exists progress.retry_dead_letters(bigint[]);
drop function if exists progress.discard_dead_letter(bigint);
drop function if exists progress.current_status();

-- In order of the transactions: new rows come at the end, and the search for work begins at the
-- oldest. Per version too, so the transaction stands before the chapter.
alter table public.progress_refresh_queue
drop column id,
drop constraint progress_refresh_queue_kind_version_id_chapter_id_xid_key,
add column id uuid not null default gen_random_uuid(),
add primary key (xid, id),
add unique nulls not distinct (kind, version_id, xid, chapter_id);

alter table public.progress_refresh_dead_letter
drop column id,
add column id uuid not null default gen_random_uuid() primary key;

alter table progress.unsettled_change
drop column id,
add column id uuid not null default gen_random_uuid(),
add primary key (xid, id);

alter table progress.deleted_media_file
drop constraint deleted_media_file_pkey,
add primary key (xid, media_file_id);

alter table progress.measurement
drop column id,
add column id uuid not null default gen_random_uuid() primary key;

alter table progress.override
drop column id,
add column id uuid not null default gen_random_uuid() primary key;

-- Whoever sees a row here sees no row of queue or notes with a smaller number. One that was copied
-- from another cluster says nothing: there, made_by is not the transaction that inserted it.
create table progress.queue_watermark (
    xid xid8 not null,
    made_by xid8 not null default pg_current_xact_id(),
    id uuid not null default gen_random_uuid(),
    primary key (xid, id)
);

-- A table without pages is read as a whole, and a session keeps that plan when it has grown. So
-- these keep enough of them to be looked up by their keys, whatever statistics say of their rows.
alter table public.progress_refresh_queue set (vacuum_truncate = false);
alter table progress.unsettled_change set (vacuum_truncate = false);
alter table progress.deleted_media_file set (vacuum_truncate = false);
alter table progress.queue_watermark set (vacuum_truncate = false);

insert into public.progress_refresh_queue (kind, version_id, chapter_id, xid)
select
    'text' as kind,
    '00000000-0000-0000-0000-000000000000' as version_id,
    n::text as chapter_id,
    '1' as xid
from generate_series(1, 1500) as n;

insert into progress.unsettled_change (bible_version_id, chapter_id, xid)
select
    '' as bible_version_id,
    n::text as chapter_id,
    '1' as xid
from generate_series(1, 1500) as n;

insert into progress.deleted_media_file (media_file_id, audio_version_id, xid)
select
    gen_random_uuid() as media_file_id,
    gen_random_uuid() as audio_version_id,
    '1' as xid
from generate_series(1, 2500) as n;

insert into progress.queue_watermark (xid, made_by)
select
    '1' as xid,
    '1' as made_by
from generate_series(1, 2500) as n;

delete from public.progress_refresh_queue
where xid = '1';
delete from progress.unsettled_change
where xid = '1';
delete from progress.deleted_media_file
where xid = '1';
delete from progress.queue_watermark
where xid = '1';

comment on table progress.queue_watermark is
'The transaction number below which nobody who sees the row finds a signal.';
