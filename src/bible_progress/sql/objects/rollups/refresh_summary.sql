create or replace function progress.refresh_summary(
    p_kind text, p_version_id uuid, p_rows_below integer
)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_changed integer;
begin
    insert into progress.version_rollup as r (
        kind,
        version_id,
        covered_verses,
        total_verses,
        chapters_with_any,
        complete_chapters,
        total_chapters,
        books_complete,
        total_books,
        refreshed_at
    )
    select
        n.kind,
        n.version_id,
        n.covered_verses,
        n.total_verses,
        n.chapters_with_any,
        n.complete_chapters,
        n.total_chapters,
        n.books_complete,
        n.total_books,
        clock_timestamp()
    from progress.rollup_version_sums as n
    left join progress.version_rollup as o
        on
            n.kind = o.kind
            and n.version_id = o.version_id
    where
        n.kind = p_kind
        and n.version_id = p_version_id
        and (
            p_rows_below > 0
            or (
                n.covered_verses,
                n.total_verses,
                n.chapters_with_any,
                n.complete_chapters,
                n.total_chapters,
                n.books_complete,
                n.total_books
            ) is distinct from (
                o.covered_verses,
                o.total_verses,
                o.chapters_with_any,
                o.complete_chapters,
                o.total_chapters,
                o.books_complete,
                o.total_books
            )
        )
    on conflict (kind, version_id) do update
    set
        covered_verses = excluded.covered_verses,
        total_verses = excluded.total_verses,
        chapters_with_any = excluded.chapters_with_any,
        complete_chapters = excluded.complete_chapters,
        total_chapters = excluded.total_chapters,
        books_complete = excluded.books_complete,
        total_books = excluded.total_books,
        refreshed_at = excluded.refreshed_at;
    get diagnostics v_changed = row_count;

    if v_changed > 0 then
        -- Days that are yet to come are from before the clock went back.
        delete from progress.version_history as h
        where
            h.kind = p_kind
            and h.version_id = p_version_id
            and h.day > (clock_timestamp() at time zone 'UTC')::date;

        insert into progress.version_history as h (
            kind,
            version_id,
            day,
            covered_verses,
            total_verses,
            chapters_with_any,
            complete_chapters,
            total_chapters,
            books_complete,
            total_books
        )
        select
            r.kind,
            r.version_id,
            (r.refreshed_at at time zone 'UTC')::date,
            r.covered_verses,
            r.total_verses,
            r.chapters_with_any,
            r.complete_chapters,
            r.total_chapters,
            r.books_complete,
            r.total_books
        from progress.version_rollup as r
        where
            r.kind = p_kind
            and r.version_id = p_version_id
            -- Other verses may make the same counts.
            and (
                r.covered_verses,
                r.total_verses,
                r.chapters_with_any,
                r.complete_chapters,
                r.total_chapters,
                r.books_complete,
                r.total_books
            ) is distinct from (
                select (
                    l.covered_verses,
                    l.total_verses,
                    l.chapters_with_any,
                    l.complete_chapters,
                    l.total_chapters,
                    l.books_complete,
                    l.total_books
                )
                from progress.version_history as l
                where l.kind = p_kind and l.version_id = p_version_id
                order by l.day desc
                limit 1
            )
        on conflict (kind, version_id, day) do update
        set
            covered_verses = excluded.covered_verses,
            total_verses = excluded.total_verses,
            chapters_with_any = excluded.chapters_with_any,
            complete_chapters = excluded.complete_chapters,
            total_chapters = excluded.total_chapters,
            books_complete = excluded.books_complete,
            total_books = excluded.total_books;
        if found then
            v_changed := v_changed + 1;
        end if;
        return v_changed;
    end if;

    if not exists (
        select
        from progress.versions as v
        where v.kind = p_kind and v.version_id = p_version_id
    ) then
        delete from progress.version_rollup as r
        where r.kind = p_kind and r.version_id = p_version_id;
        get diagnostics v_changed = row_count;
    end if;
    return v_changed;
end
$$;

comment on function progress.refresh_summary(text, uuid, integer) is
'Bring the summary of a version to the sum of its book rollups, and note the day''s state where it
changed. refreshed_at says when it or any row under it did, of which p_rows_below changed. Returns the number of
rows written. Only the drain calls it, under the version''s lock.';
