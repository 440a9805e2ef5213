create or replace function progress.media_scope(
    p_chapter_id text, p_start_verse_id text, p_end_verse_id text
)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_start_verse_id is null then
        return p_chapter_id;
    end if;
    return (
        select first_verse.chapter_id
        from public.verses as first_verse
        inner join public.verses as last_verse
            on
                last_verse.id = coalesce(p_end_verse_id, p_start_verse_id)
                and first_verse.chapter_id = last_verse.chapter_id
        where first_verse.id = p_start_verse_id
    );
end
$$;

comment on function progress.media_scope(text, text, text) is
'The chapter that a media file''s own columns cover; NULL, meaning the whole version, for one that
crosses chapters or names none. Its verse timings come on top.';
