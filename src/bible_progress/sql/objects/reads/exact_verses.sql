-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.exact_verses(
    p_kind text, p_version_id uuid, p_stored boolean default false
)
returns table (verse_id text, chapter_id text)
language plpgsql
stable
rows 31102
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_dirty_chapters text[] := progress.dirty_chapters(p_kind, p_version_id, p_stored);
    v_chapter_id text;
begin
    if v_dirty_chapters is null then
        return query
        select l.verse_id::text, l.chapter_id::text
        from progress.live_verses as l
        where l.kind = p_kind and l.version_id = p_version_id;
        return;
    end if;

    return query
    select s.verse_id::text, s.chapter_id::text
    from progress.stored_verses as s
    where
        s.kind = p_kind
        and s.version_id = p_version_id
        and s.chapter_id <> all (v_dirty_chapters);

    foreach v_chapter_id in array v_dirty_chapters loop
        return query
        select l.verse_id::text, l.chapter_id::text
        from progress.live_verses as l
        where
            l.kind = p_kind
            and l.version_id = p_version_id
            and l.chapter_id = v_chapter_id;
    end loop;
end
$$;

comment on function progress.exact_verses(text, uuid, boolean) is
'The covered verses of a version as the base tables say in this snapshot: stored where clean, live
where dirty. With
p_stored, as last drained.';
