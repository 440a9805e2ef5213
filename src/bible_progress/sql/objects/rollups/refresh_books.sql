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
    v_sums progress.rollup_book_sums[];
    v_changed integer;
begin
    if cardinality(p_book_ids) = 1 then
        v_sums := array(
            select s
            from progress.rollup_book_sums as s
            where
                s.kind = p_kind
                and s.version_id = p_version_id
                and s.book_id = p_book_ids[1]
        );
    else
        v_sums := array(
            select s
            from progress.rollup_book_sums as s
            where
                s.kind = p_kind
                and s.version_id = p_version_id
                and s.book_id = any(p_book_ids)
        );
    end if;

    insert into progress.book_rollup
    select (n.book).*
    from (
        select
            row(
                s.kind,
                s.version_id,
                s.book_id,
                s.covered_verses,
                s.total_verses,
                s.chapters_with_any,
                s.complete_chapters,
                s.total_chapters
            )::progress.book_rollup as book
        from unnest(v_sums) as s
    ) as n
    where
        -- A look-up for each: as a join it would read the books of every version.
        n.book is distinct from (
            select o
            from progress.book_rollup as o
            where
                o.kind = p_kind
                and o.version_id = p_version_id
                and o.book_id = (n.book).book_id
        )
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
