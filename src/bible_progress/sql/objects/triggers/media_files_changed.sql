create or replace function progress.media_files_changed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- A session keeps the plan of its first statement, of a row or of a million. Looking up keys suits
-- both, hashing a table for one row does not. Old and new rows have no keys and are never joined.
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    if tg_op = 'INSERT' then
        perform progress.signal('audio', array_agg(s.audio_version_id), array_agg(s.chapter_id))
        from (
            select
                n.audio_version_id,
                progress.media_scope(n.chapter_id, n.start_verse_id, n.end_verse_id) as chapter_id
            from new_rows as n
            where
                n.audio_version_id is not null
                and progress.media_counts(
                    n.media_type::text,
                    n.is_bible_audio,
                    n.upload_status::text,
                    n.publish_status::text,
                    n.deleted_at
                )
            union
            -- Without a foreign key, timings may have been there before it.
            select n.audio_version_id, null as chapter_id
            from new_rows as n
            where
                n.audio_version_id is not null
                and exists (
                    select
                    from public.media_files_verses as t
                    where t.media_file_id = n.id and t.deleted_at is null
                )
        ) as s;
        return null;
    end if;

    if tg_op = 'DELETE' then
        -- Where the version itself is going, its own trigger signals it.
        perform progress.signal('audio', array_agg(s.audio_version_id), array_agg(s.chapter_id))
        from (
            select
                o.audio_version_id,
                progress.media_scope(o.chapter_id, o.start_verse_id, o.end_verse_id) as chapter_id
            from old_rows as o
            inner join public.audio_versions as av on o.audio_version_id = av.id
            where progress.media_counts(
                o.media_type::text,
                o.is_bible_audio,
                o.upload_status::text,
                o.publish_status::text,
                o.deleted_at
            )
            union
            -- Without a foreign key, its timings stay.
            select o.audio_version_id, v.chapter_id
            from old_rows as o
            inner join public.audio_versions as av on o.audio_version_id = av.id
            inner join public.media_files_verses as t
                on
                    o.id = t.media_file_id
                    and t.deleted_at is null
            inner join public.verses as v on t.verse_id = v.id
            union
            -- What an unsettled file left to be settled is settled with its end.
            select o.audio_version_id, null as chapter_id
            from old_rows as o
            inner join progress.unsettled_change as u on o.id = u.media_file_id
            where o.audio_version_id is not null
        ) as s;

        -- The trigger of the timings that go along runs after this one.
        insert into progress.deleted_media_file as d (media_file_id, audio_version_id)
        select o.id, o.audio_version_id
        from old_rows as o
        inner join public.audio_versions as av on o.audio_version_id = av.id
        on conflict (media_file_id, xid) do update
        set audio_version_id = excluded.audio_version_id;
        return null;
    end if;

    -- Verse timings written at this moment saw the file where it was before.
    insert into progress.unsettled_change (media_file_id)
    select moved.id
    from (
        select n.id, n.audio_version_id, n.chapter_id, n.start_verse_id, n.end_verse_id
        from new_rows as n
        except all
        select o.id, o.audio_version_id, o.chapter_id, o.start_verse_id, o.end_verse_id
        from old_rows as o
    ) as moved
    on conflict (bible_version_id, chapter_id, media_file_id, xid) do nothing;

    perform progress.signal('audio', array_agg(s.audio_version_id), array_agg(s.chapter_id))
    from (
        with file as (
            select
                o.id,
                o.audio_version_id,
                o.chapter_id,
                o.start_verse_id,
                o.end_verse_id,
                progress.media_counts(
                    o.media_type::text,
                    o.is_bible_audio,
                    o.upload_status::text,
                    o.publish_status::text,
                    o.deleted_at
                ) as counts
            from old_rows as o
            union all
            select
                n.id,
                n.audio_version_id,
                n.chapter_id,
                n.start_verse_id,
                n.end_verse_id,
                progress.media_counts(
                    n.media_type::text,
                    n.is_bible_audio,
                    n.upload_status::text,
                    n.publish_status::text,
                    n.deleted_at
                ) as counts
            from new_rows as n
        ),

        -- Of before and after: two that are alike changed nothing.
        compared as (
            select
                f.*,
                count(*) over (partition by f.id, f.audio_version_id) as in_its_version,
                count(*) over (
                    partition by
                        f.id,
                        f.audio_version_id,
                        f.chapter_id,
                        f.start_verse_id,
                        f.end_verse_id,
                        f.counts
                ) as alike
            from file as f
        ),

        changed as (
            select c.*
            from compared as c
            where c.audio_version_id is not null and c.counts and c.alike = 1
        )

        select
            c.audio_version_id,
            case
                when c.in_its_version = 2
                    then progress.media_scope(c.chapter_id, c.start_verse_id, c.end_verse_id)
            end as chapter_id
        from changed as c
        union
        select c.audio_version_id, v.chapter_id
        from changed as c
        inner join public.media_files_verses as t
            on
                c.id = t.media_file_id
                and t.deleted_at is null
        inner join public.verses as v on t.verse_id = v.id
    ) as s;
    return null;
end
$$;

comment on function progress.media_files_changed() is
'Signals the chapters of recordings that came, went, changed scope, were published or withdrawn; a
file that moves between versions signals both as a whole.';
