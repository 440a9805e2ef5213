-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.exact_books(
    p_kind text, p_version_id uuid, p_stored boolean default false
)
returns table (
    book_id text,
    covered_verses integer,
    total_verses integer,
    chapters_with_any integer,
    complete_chapters integer,
    total_chapters integer,
    book_number integer
)
language plpgsql
stable
rows 66
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_dirty_chapters text[] := progress.dirty_chapters(p_kind, p_version_id, p_stored);
    v_dirty_books text[];
    v_book_id text;
begin
    if v_dirty_chapters is null then
        return query
        select
            b.book_id::text,
            b.covered_verses,
            b.total_verses,
            b.chapters_with_any,
            b.complete_chapters,
            b.total_chapters,
            b.book_number::integer
        from progress.live_books as b
        where b.kind = p_kind and b.version_id = p_version_id;
        return;
    end if;

    v_dirty_books := array(
        select distinct c.book_id from public.chapters as c where c.id = any (v_dirty_chapters)
    );
    return query
    select
        r.book_id::text,
        r.covered_verses,
        r.total_verses,
        r.chapters_with_any,
        r.complete_chapters,
        r.total_chapters,
        r.book_number::integer
    from progress.stored_books as r
    where
        r.kind = p_kind
        and r.version_id = p_version_id
        and r.book_id <> all (v_dirty_books);

    foreach v_book_id in array v_dirty_books loop
        return query
        select
            b.book_id::text,
            b.covered_verses,
            b.total_verses,
            b.chapters_with_any,
            b.complete_chapters,
            b.total_chapters,
            b.book_number::integer
        from progress.exact_book_sums as b
        where
            b.kind = p_kind
            and b.version_id = p_version_id
            and b.book_id = v_book_id;
    end loop;
end
$$;

comment on function progress.exact_books(text, uuid, boolean) is
'The books of a version as the base tables say in this snapshot: stored where clean, live where
dirty; in no order, which book_number is for. With p_stored, as last drained.';
