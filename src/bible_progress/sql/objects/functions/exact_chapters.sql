-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.exact_chapters(p_kind text, p_version_id uuid)
returns table (
    book_id text,
    chapter_id text,
    covered_verses integer,
    total_verses integer
)
language plpgsql
stable
rows 1200
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    v_whole boolean;
    v_dirty_chapters text[];
    v_chapter_id text;
begin
    select
        coalesce(bool_or(d.chapter_id is null), false),
        coalesce(array_agg(distinct d.chapter_id) filter (where d.chapter_id is not null), '{}')
    into v_whole, v_dirty_chapters
    from progress.dirty as d
    where d.kind = p_kind and d.version_id = p_version_id;

    if v_whole then
        return query
        select c.book_id, c.chapter_id, c.covered_verses, c.total_verses
        from progress.live_chapters as c
        where c.kind = p_kind and c.version_id = p_version_id;
        return;
    end if;

    return query
    select c.book_id, c.chapter_id, c.covered_verses, c.total_verses
    from progress.stored_chapters as c
    where
        c.kind = p_kind
        and c.version_id = p_version_id
        and c.chapter_id <> all (v_dirty_chapters);

    foreach v_chapter_id in array v_dirty_chapters loop
        return query
        select c.book_id, c.chapter_id, c.covered_verses, c.total_verses
        from progress.live_chapters as c
        where
            c.kind = p_kind
            and c.version_id = p_version_id
            and c.chapter_id = v_chapter_id;
    end loop;
end
$$;

comment on function progress.exact_chapters(text, uuid) is
'The chapters of a version as the base tables say in this snapshot: stored where clean, live where
dirty.';
