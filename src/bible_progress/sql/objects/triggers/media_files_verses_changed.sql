-- Signals whether or not the file counts just now: it may be published at this very moment by a
-- transaction that cannot see these rows.
create or replace function progress.media_files_verses_changed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_media_file_ids uuid[];
    v_verse_ids text[];
begin
    if tg_op = 'INSERT' then
        select array_agg(n.media_file_id), array_agg(n.verse_id)
        into v_media_file_ids, v_verse_ids
        from new_rows as n
        where n.deleted_at is null;
    elsif tg_op = 'DELETE' then
        -- A verse that is gone signalled its chapter itself.
        select array_agg(o.media_file_id), array_agg(o.verse_id)
        into v_media_file_ids, v_verse_ids
        from old_rows as o
        inner join public.verses as v on o.verse_id = v.id
        where o.deleted_at is null;
    else
        select array_agg(changed.media_file_id), array_agg(changed.verse_id)
        into v_media_file_ids, v_verse_ids
        from (
            (
                select o.media_file_id, o.verse_id from old_rows as o where o.deleted_at is null
                except all
                select n.media_file_id, n.verse_id from new_rows as n where n.deleted_at is null
            )
            union all
            (
                select n.media_file_id, n.verse_id from new_rows as n where n.deleted_at is null
                except all
                select o.media_file_id, o.verse_id from old_rows as o where o.deleted_at is null
            )
        ) as changed;
    end if;

    perform progress.signal('audio', array_agg(s.audio_version_id), array_agg(s.chapter_id))
    from (
        select distinct
            coalesce(f.audio_version_id, d.audio_version_id) as audio_version_id,
            v.chapter_id
        from unnest(v_media_file_ids, v_verse_ids) as t (media_file_id, verse_id)
        left join public.media_files as f on t.media_file_id = f.id
        left join progress.deleted_media_file as d
            on
                t.media_file_id = d.media_file_id
                and d.xid = pg_current_xact_id()
                and f.id is null
        left join public.verses as v on t.verse_id = v.id
    ) as s;

    -- In the chapter that the file covers as a whole a timing adds nothing. Others are noted, so that
    -- drains of versions without them need not look for any.
    insert into progress.timed_version (audio_version_id)
    select distinct f.audio_version_id
    from unnest(v_media_file_ids, v_verse_ids) as t (media_file_id, verse_id)
    inner join public.media_files as f on t.media_file_id = f.id
    inner join public.verses as v on t.verse_id = v.id
    where
        f.audio_version_id is not null
        and (f.start_verse_id is null and f.chapter_id = v.chapter_id) is not true
    on conflict (audio_version_id, xid) do nothing;

    -- A file that is published signals its own chapter. Timings in another chapter would be
    -- missed by a publication that runs beside this statement; and an old snapshot may show the
    -- file in a version where it is no longer.
    insert into progress.unsettled_change (media_file_id)
    select distinct f.id
    from unnest(v_media_file_ids, v_verse_ids) as t (media_file_id, verse_id)
    inner join public.media_files as f on t.media_file_id = f.id
    inner join public.verses as v on t.verse_id = v.id
    where
        progress.media_scope(f.chapter_id, f.start_verse_id, f.end_verse_id) <> v.chapter_id
        or current_setting('transaction_isolation') in ('repeatable read', 'serializable')
    on conflict (bible_version_id, chapter_id, media_file_id, xid) do nothing;
    return null;
end
$$;

comment on function progress.media_files_verses_changed() is
'Signals the chapters whose verse timings came, went or moved to another verse or file.';
