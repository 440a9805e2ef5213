-- Constants leave the other kind, and timings, out of the plan. What is recorded whole is asked
-- first: nothing can be added to it, and most recordings are whole chapters.
create or replace function progress.live_bitmap(
    p_kind text, p_version_id uuid, p_chapter_id text, p_with_timings boolean default true
)
returns bit varying
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    if p_kind = 'text' then
        return (
            select
                string_agg(
                    case when t.is_covered then '1' else '0' end,
                    ''
                    order by t.verse_number, t.verse_id collate "C"
                )::bit varying
            from progress.text_verses as t
            where t.version_id = p_version_id and t.chapter_id = p_chapter_id
            having bool_or(t.is_covered)
        );
    end if;

    if exists (
        select
        from progress.whole_chapters as w
        where w.audio_version_id = p_version_id and w.chapter_id = p_chapter_id
    ) then
        return (
            select repeat('1', count(*)::integer)::bit varying
            from public.verses as v
            where v.chapter_id = p_chapter_id
            having count(*) > 0
        );
    end if;

    if p_with_timings then
        return (
            select l.covered
            from progress.live_bitmaps as l
            where
                l.reach = 'all'
                and l.kind = 'audio'
                and l.version_id = p_version_id
                and l.chapter_id = p_chapter_id
        );
    end if;
    return (
        select l.covered
        from progress.live_bitmaps as l
        where
            l.reach = 'recordings'
            and l.kind = 'audio'
            and l.version_id = p_version_id
            and l.chapter_id = p_chapter_id
    );
end
$$;

comment on function progress.live_bitmap(text, uuid, text, boolean) is
'What the stored bitmap of a chapter must be, as progress.live_bitmaps has it; NULL where nothing is
covered. Without p_with_timings, for a version where verse timings add nothing.';
