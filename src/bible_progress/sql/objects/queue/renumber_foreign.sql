-- A number that nobody here has had yet came with a copy from another cluster. A writer that gets
-- it finds its signal there already, so it must not be taken away from then on; and whether it was
-- given out is certain only when the row is gone, for whoever comes then waits for us.
create or replace function progress.renumber_foreign()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_own xid8 := pg_current_xact_id();
    v_lowest xid8;
    v_renumbered integer;
begin
    with signals as (
        delete from public.progress_refresh_queue as q
        where q.xid > v_own and q.xid >= pg_snapshot_xmax(pg_current_snapshot())
        returning q.kind, q.version_id, q.chapter_id, q.enqueued_at, q.xid
    ),

    changes as (
        delete from progress.unsettled_change as u
        where u.xid > v_own and u.xid >= pg_snapshot_xmax(pg_current_snapshot())
        returning u.bible_version_id, u.chapter_id, u.media_file_id, u.enqueued_at, u.xid
    ),

    notes as (
        delete from progress.timed_version as n
        where n.xid > v_own and n.xid >= pg_snapshot_xmax(pg_current_snapshot())
        returning n.audio_version_id, n.xid
    ),

    own_signals as (
        insert into public.progress_refresh_queue (kind, version_id, chapter_id, enqueued_at)
        select s.kind, s.version_id, s.chapter_id, min(s.enqueued_at)
        from signals as s
        group by s.kind, s.version_id, s.chapter_id
        on conflict (kind, version_id, chapter_id, xid) do nothing
    ),

    own_changes as (
        insert into progress.unsettled_change (
            bible_version_id, chapter_id, media_file_id, enqueued_at
        )
        select c.bible_version_id, c.chapter_id, c.media_file_id, min(c.enqueued_at)
        from changes as c
        group by c.bible_version_id, c.chapter_id, c.media_file_id
        on conflict (bible_version_id, chapter_id, media_file_id, xid) do nothing
    ),

    own_notes as (
        insert into progress.timed_version (audio_version_id)
        select distinct n.audio_version_id
        from notes as n
        on conflict (audio_version_id, xid) do nothing
    )

    select
        (array_agg(f.xid order by f.xid))[1],
        count(*)
    into v_lowest, v_renumbered
    from (
        select s.xid from signals as s
        union all
        select c.xid from changes as c
        union all
        select n.xid from notes as n
    ) as f;

    if v_lowest is not null and progress.is_assigned(v_lowest) then
        raise exception 'transaction % has begun', v_lowest;
    end if;

    -- Nothing here gives it a number that is not there yet.
    update progress.unsettled_change as u
    set settles_at = null, rounds_left = 2
    where u.settles_at > v_own and u.settles_at >= pg_snapshot_xmax(pg_current_snapshot());

    delete from progress.queue_watermark as w
    where w.made_by::xid <> w.xmin;
    return v_renumbered;
exception
    -- It waits until that transaction has ended; the others are renumbered with the next try.
    when raise_exception then
        return 0;
end
$$;

comment on function progress.renumber_foreign() is
'Give this transaction''s number to signals and notes that a copy from another cluster brought with
numbers which nobody here has had. Returns how many.';
