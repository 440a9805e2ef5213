-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.exact_chapters(
    p_kind text, p_version_id uuid, p_book_id text default null, p_stored boolean default false
)
returns table (
    book_id text,
    chapter_id text,
    covered_verses integer,
    total_verses integer,
    book_number integer,
    chapter_number integer
)
language plpgsql
stable
rows 1200
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_dirty_chapters text[] := progress.dirty_chapters(p_kind, p_version_id, p_stored);
    v_chapter_id text;
    v_live bit varying;
    v_with_timings boolean := p_kind = 'audio' and exists (
        select from progress.timed_version as n where n.audio_version_id = p_version_id
    );
begin
    -- A book that may or may not be given is guessed at as one row: hence statements of their own.
    if v_dirty_chapters is null and p_book_id is null then
        return query
        select
            c.book_id::text,
            c.chapter_id::text,
            c.covered_verses,
            c.total_verses,
            c.book_number::integer,
            c.chapter_number::integer
        from progress.live_chapters as c
        where c.kind = p_kind and c.version_id = p_version_id;
    elsif v_dirty_chapters is null then
        return query
        select
            c.book_id::text,
            c.chapter_id::text,
            c.covered_verses,
            c.total_verses,
            c.book_number::integer,
            c.chapter_number::integer
        from progress.live_chapters as c
        where c.kind = p_kind and c.version_id = p_version_id and c.book_id = p_book_id;
    elsif p_book_id is null then
        return query
        select
            c.book_id::text,
            c.chapter_id::text,
            c.covered_verses,
            c.total_verses,
            c.book_number::integer,
            c.chapter_number::integer
        from progress.stored_chapters as c
        where
            c.kind = p_kind
            and c.version_id = p_version_id
            and c.chapter_id <> all (v_dirty_chapters);
    else
        return query
        select
            c.book_id::text,
            c.chapter_id::text,
            c.covered_verses,
            c.total_verses,
            c.book_number::integer,
            c.chapter_number::integer
        from progress.stored_chapters as c
        where
            c.kind = p_kind
            and c.version_id = p_version_id
            and c.book_id = p_book_id
            and c.chapter_id <> all (v_dirty_chapters);
    end if;

    foreach v_chapter_id in array coalesce(v_dirty_chapters, '{}') loop
        v_live := progress.live_bitmap(p_kind, p_version_id, v_chapter_id, v_with_timings);
        return query
        select
            c.book_id::text,
            c.chapter_id::text,
            coalesce(bit_count(v_live), 0)::integer,
            coalesce(
                length(v_live),
                (
                    select count(*)::integer
                    from public.verses as v
                    where v.chapter_id = c.chapter_id
                )
            ),
            c.book_number::integer,
            c.chapter_number::integer
        from progress.versions as ver
        inner join progress.canon_chapters as c on ver.bible_version_id = c.bible_version_id
        where
            ver.kind = p_kind
            and ver.version_id = p_version_id
            and c.chapter_id = v_chapter_id
            and (p_book_id is null or c.book_id = p_book_id);
    end loop;
end
$$;

comment on function progress.exact_chapters(text, uuid, text, boolean) is
'The chapters of a version, or of one book of it, as the base tables say in this snapshot: stored
where clean, live where dirty; in no order, which their numbers are for. With p_stored, as last
drained.';
