-- A transaction that ran beside a change of structure may have resolved its own signals against
-- the old structure. All of those had begun to write before the change was seen here for the first
-- time, so they have lower transaction numbers than this one gets now. Once they have ended, what
-- they wrote is visible, but a third transaction may still run that saw neither: it is waited for
-- in a second round. A signal made after that reaches whatever any of them did.
-- One that ran beside a change of canon may have left a row itself, and named a canon that was no
-- longer right. The change names the right one: it stands until all those have waited too.
create or replace function progress.resolve_unsettled_changes()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_signals integer := 0;
    v_start xid8 := (select s.xid from progress.queue_start as s);
begin
    -- A number given earlier in this transaction could be lower than theirs.
    if
        pg_current_xact_id_if_assigned() is not null
        or not exists (
            select from progress.unsettled_change as u where u.xid >= v_start
            union all
            select from progress.deleted_media_file as d where d.xid >= v_start
            union all
            select
            from public.progress_refresh_queue as q
            where q.xid >= pg_snapshot_xmax(pg_current_snapshot())
        )
    then
        return 0;
    end if;
    -- An install or a change of strategy holds this one; it would wait for rows that are taken here,
    -- and these statements for views that it drops.
    if not pg_try_advisory_xact_lock_shared(progress.install_lock_key()) then
        return 0;
    end if;

    -- What is visible has ended, unless it ended in another cluster.
    if
        exists (
            select
            from public.progress_refresh_queue as q
            where q.xid >= pg_snapshot_xmax(pg_current_snapshot())
            union all
            select
            from progress.unsettled_change as u
            where
                u.xid >= v_start
                and greatest(u.xid, u.settles_at) >= pg_snapshot_xmax(pg_current_snapshot())
        )
    then
        perform progress.renumber_foreign();
        return 0;
    end if;

    -- Nothing may wait before the number is taken, and nobody for rows that another drain has.
    update progress.unsettled_change as u
    set settles_at = pg_current_xact_id()
    from (
        select c.id
        from progress.unsettled_change as c
        where c.settles_at is null and pg_visible_in_snapshot(c.xid, pg_current_snapshot())
        for update skip locked
    ) as fresh
    where u.id = fresh.id;

    -- The next round needs a number of its own, which the next transaction has.
    update progress.unsettled_change as u
    set settles_at = null, rounds_left = u.rounds_left - 1
    from (
        select c.id
        from progress.unsettled_change as c
        where
            c.rounds_left > 1
            and pg_visible_in_snapshot(c.xid, pg_current_snapshot())
            and c.settles_at <= pg_snapshot_xmin(pg_current_snapshot())
        for update skip locked
    ) as waited
    where u.id = waited.id;

    with settled as (
        delete from progress.unsettled_change as u
        using (
            select c.id
            from progress.unsettled_change as c
            where
                c.rounds_left = 1
                and pg_visible_in_snapshot(c.xid, pg_current_snapshot())
                and c.settles_at <= pg_snapshot_xmin(pg_current_snapshot())
                and (
                    c.media_file_id is not null
                    or c.settles_at <= coalesce(
                        (
                            select waiting.xid
                            from progress.unsettled_change as waiting
                            where
                                waiting.media_file_id is null
                                and (
                                    waiting.rounds_left = 1
                                    and waiting.settles_at
                                    <= pg_snapshot_xmin(pg_current_snapshot())
                                ) is not true
                            order by waiting.xid
                            limit 1
                        ),
                        c.settles_at
                    )
                )
            for update skip locked
        ) as due
        where u.id = due.id
        returning u.bible_version_id, u.chapter_id, u.media_file_id
    ),

    scope as (
        select ver.kind, ver.version_id, s.chapter_id
        from settled as s
        inner join progress.versions as ver
            on
                s.media_file_id is null
                and ver.bible_version_id = coalesce(s.bible_version_id, ver.bible_version_id)
        union
        select 'audio' as kind, f.audio_version_id as version_id, null as chapter_id
        from settled as s
        inner join public.media_files as f on s.media_file_id = f.id
        where f.audio_version_id is not null
    )

    insert into public.progress_refresh_queue (kind, version_id, chapter_id)
    select s.kind, s.version_id, s.chapter_id
    from scope as s
    on conflict (kind, version_id, chapter_id, xid) do nothing;
    get diagnostics v_signals = row_count;

    delete from progress.deleted_media_file as d
    using (
        select l.media_file_id, l.xid
        from progress.deleted_media_file as l
        where l.xid >= v_start
        for update skip locked
    ) as past
    where d.media_file_id = past.media_file_id and d.xid = past.xid;
    return v_signals;
end
$$;

comment on function progress.resolve_unsettled_changes() is
'Turn changes of structure that no running transaction can have missed into signals; returns how
many. due_versions calls it. Does nothing in a transaction that has written already.';
