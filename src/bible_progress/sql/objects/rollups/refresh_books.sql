-- One look-up a book: many at once would be planned as a scan of all.
create or replace function progress.refresh_books(
    p_kind text, p_version_id uuid, p_book_ids text[]
)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_book_id text;
    v_book progress.book_rollup;
    v_changed integer := 0;
begin
    foreach v_book_id in array p_book_ids loop
        select
            s.kind,
            s.version_id,
            s.book_id,
            s.covered_verses,
            s.total_verses,
            s.chapters_with_any,
            s.complete_chapters,
            s.total_chapters
        into v_book
        from progress.rollup_book_sums as s
        where
            s.kind = p_kind
            and s.version_id = p_version_id
            and s.book_id = v_book_id;
        continue when not found or exists (
            select
            from progress.book_rollup as o
            where
                o.kind = p_kind
                and o.version_id = p_version_id
                and o.book_id = v_book_id
                and o = v_book
        );
        insert into progress.book_rollup values (v_book.*)
        on conflict (kind, version_id, book_id) do update
        set
            covered_verses = excluded.covered_verses,
            total_verses = excluded.total_verses,
            chapters_with_any = excluded.chapters_with_any,
            complete_chapters = excluded.complete_chapters,
            total_chapters = excluded.total_chapters;
        v_changed := v_changed + 1;
    end loop;
    return v_changed;
end
$$;

comment on function progress.refresh_books(text, uuid, text[]) is
'Bring the rollups of these books to the sum of their stored chapters. Returns the number of rows
written. Only the drain calls it, under the version''s lock.';
