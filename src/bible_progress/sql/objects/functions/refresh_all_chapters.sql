-- One plan for every version: planning these views anew costs more than running them.
create or replace function progress.refresh_all_chapters(p_kind text, p_version_id uuid)
returns integer
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    v_changed integer;
    v_rows integer;
begin
    with live as materialized (
        select l.chapter_id, l.covered
        from progress.live_bitmaps as l
        where l.kind = p_kind and l.version_id = p_version_id
    ),

    gone as (
        delete from progress.chapter_bitmap as b
        where
            b.kind = p_kind
            and b.version_id = p_version_id
            and not exists (select from live as l where l.chapter_id = b.chapter_id)
        returning b.chapter_id
    ),

    written as (
        insert into progress.chapter_bitmap as b (kind, version_id, chapter_id, covered)
        select p_kind, p_version_id, l.chapter_id, l.covered
        from live as l
        left join progress.chapter_bitmap as o
            on
                o.kind = p_kind
                and o.version_id = p_version_id
                and l.chapter_id = o.chapter_id
        where l.covered is distinct from o.covered
        on conflict (kind, version_id, chapter_id) do update
        set covered = excluded.covered
        returning b.chapter_id
    )

    select (select count(*) from gone) + (select count(*) from written) into v_changed;

    with computed as materialized (
        select
            n.book_id,
            n.covered_verses,
            n.total_verses,
            n.chapters_with_any,
            n.complete_chapters,
            n.total_chapters
        from progress.books_by_source as n
        where n.source = 'stored' and n.kind = p_kind and n.version_id = p_version_id
    ),

    gone as (
        delete from progress.book_rollup as r
        where
            r.kind = p_kind
            and r.version_id = p_version_id
            and not exists (select from computed as n where n.book_id = r.book_id)
        returning r.book_id
    ),

    written as (
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
            p_kind,
            p_version_id,
            n.book_id,
            n.covered_verses,
            n.total_verses,
            n.chapters_with_any,
            n.complete_chapters,
            n.total_chapters
        from computed as n
        left join progress.book_rollup as o
            on
                o.kind = p_kind
                and o.version_id = p_version_id
                and n.book_id = o.book_id
        where
            (
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
            total_chapters = excluded.total_chapters
        returning r.book_id
    )

    select (select count(*) from gone) + (select count(*) from written) into v_rows;
    return v_changed + v_rows;
end
$$;

comment on function progress.refresh_all_chapters(text, uuid) is
'Bring every bitmap and book rollup of a version to what the base tables say; rows that are gone
leave. Returns the number of rows written. Only the drain calls it, under the version''s lock.';
