-- Two plans: the sums of one book are looked up, those of many are made in one pass.
create or replace function progress.refresh_books(
    p_kind text, p_version_id uuid, p_book_ids text[]
)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_stale progress.stale_books[];
    v_changed integer;
begin
    if cardinality(p_book_ids) = 1 then
        v_stale := array(
            select s
            from progress.stale_books as s
            where
                s.kind = p_kind
                and s.version_id = p_version_id
                and s.book_id = p_book_ids[1]
        );
    else
        v_stale := array(
            select s
            from progress.stale_books as s
            where
                s.kind = p_kind
                and s.version_id = p_version_id
                and s.book_id = any(p_book_ids)
        );
    end if;

    if cardinality(v_stale) = 0 then
        return 0;
    end if;
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
        s.kind,
        s.version_id,
        s.book_id,
        s.covered_verses,
        s.total_verses,
        s.chapters_with_any,
        s.complete_chapters,
        s.total_chapters
    from unnest(v_stale) as s
    on conflict (kind, version_id, book_id) do update
    set
        covered_verses = excluded.covered_verses,
        total_verses = excluded.total_verses,
        chapters_with_any = excluded.chapters_with_any,
        complete_chapters = excluded.complete_chapters,
        total_chapters = excluded.total_chapters;
    get diagnostics v_changed = row_count;
    return v_changed;
end
$$;

comment on function progress.refresh_books(text, uuid, text[]) is
'Bring the rollups of these books to the sum of their stored chapters. Returns the number of rows
written. Only the drain calls it, under the version''s lock.';
