create or replace function progress.refresh_summary(
    p_kind text, p_version_id uuid, p_rows_below integer
)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_summary progress.version_rollup;
    v_changed integer;
    v_is_new boolean;
begin
    select s.*, o.refreshed_at, o.changed_at
    into v_summary
    from progress.rollup_version_sums as s
    left join progress.version_rollup as o on s.kind = o.kind and s.version_id = o.version_id
    where s.kind = p_kind and s.version_id = p_version_id;
    if not found then
        delete from progress.version_rollup as r
        where r.kind = p_kind and r.version_id = p_version_id;
        get diagnostics v_changed = row_count;
        return v_changed;
    end if;
    if p_rows_below = 0 and exists (
        select
        from progress.version_rollup as o
        where o.kind = p_kind and o.version_id = p_version_id and o = v_summary
    ) then
        return 0;
    end if;

    v_is_new := v_summary.refreshed_at is null;
    v_summary.refreshed_at := clock_timestamp();
    -- The first count of a version that was there before is no change.
    if
        v_is_new
        and (
            exists (
                select
                from progress.version_history as h
                where h.kind = p_kind and h.version_id = p_version_id
            )
            or v_summary.covered_verses > 0
            and exists (
                select
                from progress.versions as v
                where
                    v.kind = p_kind
                    and v.version_id = p_version_id
                    and (v.created_at at time zone 'UTC')::date
                    >= (v_summary.refreshed_at at time zone 'UTC')::date
            )
        )
    then
        v_summary.changed_at := v_summary.refreshed_at;
    end if;
    insert into progress.version_rollup as r values (v_summary.*)
    on conflict (kind, version_id) do update
    set
        covered_verses = excluded.covered_verses,
        total_verses = excluded.total_verses,
        chapters_with_any = excluded.chapters_with_any,
        complete_chapters = excluded.complete_chapters,
        total_chapters = excluded.total_chapters,
        books_complete = excluded.books_complete,
        total_books = excluded.total_books,
        refreshed_at = excluded.refreshed_at,
        changed_at = case
            when r.covered_verses <> excluded.covered_verses then excluded.refreshed_at
            else r.changed_at
        end;

    -- Days that are yet to come are from before the clock went back.
    delete from progress.version_history as h
    where
        h.kind = p_kind
        and h.version_id = p_version_id
        and h.day > (clock_timestamp() at time zone 'UTC')::date;

    -- Other verses may make the same counts.
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
    select n.*
    from (
        select
            v_summary.kind,
            v_summary.version_id,
            (v_summary.refreshed_at at time zone 'UTC')::date as day,
            v_summary.covered_verses,
            v_summary.total_verses,
            v_summary.chapters_with_any,
            v_summary.complete_chapters,
            v_summary.total_chapters,
            v_summary.books_complete,
            v_summary.total_books
    ) as n
    where
        (
            n.covered_verses,
            n.total_verses,
            n.chapters_with_any,
            n.complete_chapters,
            n.total_chapters,
            n.books_complete,
            n.total_books
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
    return case when found then 2 else 1 end;
end
$$;

comment on function progress.refresh_summary(text, uuid, integer) is
'Bring the summary of a version to the sum of its book rollups, and note the day''s state where it
changed. refreshed_at says when it or any row under it did, of which p_rows_below
changed; changed_at when covered verses came or went, NULL where they were only counted. Returns the number of rows written. Only the drain calls it, under the version''s lock.';
