-- What a running transaction writes has a note of its own, so only notes older than all of those
-- may go. Looking and taking away are one statement: between two a writer could commit a timing
-- that the first did not see and a note that the second did.
create or replace function progress.note_timings(p_audio_version_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_may_add boolean;
begin
    with timings as materialized (
        select
            exists (
                select
                from public.media_files as f
                where
                    f.audio_version_id = p_audio_version_id
                    and exists (
                        select
                        from (
                            -- In order of the unique index: no plan reads all timings for a file.
                            select t.verse_id
                            from public.media_files_verses as t
                            where t.media_file_id = f.id and t.deleted_at is null
                            order by t.verse_id
                            offset 0
                        ) as timing
                        inner join public.verses as v on timing.verse_id = v.id
                        where (f.start_verse_id is null and f.chapter_id = v.chapter_id) is not true
                        -- File by file: a join could read the timings of every version.
                        offset 0
                    )
            ) as may_add
    ),

    forgotten as (
        delete from progress.timed_version as n
        using timings
        where
            not timings.may_add
            and n.audio_version_id = p_audio_version_id
            and n.xid < pg_snapshot_xmin(pg_current_snapshot())
    )

    select t.may_add into v_may_add
    from timings as t;

    if v_may_add then
        insert into progress.timed_version (audio_version_id)
        select p_audio_version_id
        where not exists (
            select from progress.timed_version as n where n.audio_version_id = p_audio_version_id
        )
        on conflict (audio_version_id, xid) do nothing;
    end if;
end
$$;

comment on function progress.note_timings(uuid) is
'Note whether verse timings of an audio version may cover more than its recordings do by their own
columns. Only the drain calls it, under the version''s lock.';
