create or replace function progress.refresh_books(
    p_kind text, p_version_id uuid, p_book_ids text[]
)
returns integer
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    v_book_id text;
    v_changed integer := 0;
    v_rows integer;
begin
    foreach v_book_id in array p_book_ids loop
        insert into progress.book_rollup as r (
            kind,
            version_id,
            book_id,
            covered_verses,
            total_verses,
            chapters_with_any,
            complete_chapters,
            total_chapters
        )
        select
            n.kind,
            n.version_id,
            n.book_id,
            n.covered_verses,
            n.total_verses,
            n.chapters_with_any,
            n.complete_chapters,
            n.total_chapters
        from progress.books_by_source as n
        left join progress.book_rollup as o
            on
                n.kind = o.kind
                and n.version_id = o.version_id
                and n.book_id = o.book_id
        where
            n.source = 'rollup'
            and n.kind = p_kind
            and n.version_id = p_version_id
            and n.book_id = v_book_id
            and (
                n.covered_verses,
                n.total_verses,
                n.chapters_with_any,
                n.complete_chapters,
                n.total_chapters
            ) is distinct from (
                o.covered_verses,
                o.total_verses,
                o.chapters_with_any,
                o.complete_chapters,
                o.total_chapters
            )
        on conflict (kind, version_id, book_id) do update
        set
            covered_verses = excluded.covered_verses,
            total_verses = excluded.total_verses,
            chapters_with_any = excluded.chapters_with_any,
            complete_chapters = excluded.complete_chapters,
            total_chapters = excluded.total_chapters;
        get diagnostics v_rows = row_count;
        v_changed := v_changed + v_rows;
    end loop;
    return v_changed;
end
$$;

comment on function progress.refresh_books(text, uuid, text[]) is
'Bring the rollups of these books to the sum of their stored chapters. Returns the number of rows
written. Only the drain calls it, under the version''s lock.';
