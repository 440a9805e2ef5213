-- One plan for every version: planning these views anew costs more than running them.
create or replace function progress.refresh_all_chapters(p_kind text, p_version_id uuid)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_live progress.live_bitmaps[];
    v_changed integer;
    v_rows integer;
begin
    if p_kind = 'audio' then
        perform progress.note_timings(p_version_id);
    end if;

    -- Constants leave the other kind, and timings, out of the plan.
    if p_kind = 'text' then
        v_live := array(
            select l
            from progress.live_bitmaps as l
            where l.reach = 'all' and l.kind = 'text' and l.version_id = p_version_id
        );
    elsif progress.has_timed_verses(p_version_id) then
        v_live := array(
            select l
            from progress.live_bitmaps as l
            where l.reach = 'all' and l.kind = 'audio' and l.version_id = p_version_id
        );
    else
        v_live := array(
            select l
            from progress.live_bitmaps as l
            where l.reach = 'recordings' and l.kind = 'audio' and l.version_id = p_version_id
        );
    end if;

    with live as materialized (
        select l.chapter_id, l.covered
        from unnest(v_live) as l
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

    delete from progress.book_rollup as r
    where
        r.kind = p_kind
        and r.version_id = p_version_id
        and not exists (
            select
            from progress.versions as v
            inner join public.books as b on v.bible_version_id = b.bible_version_id
            where v.kind = p_kind and v.version_id = p_version_id and b.id = r.book_id
        );
    get diagnostics v_rows = row_count;

    return v_changed + v_rows + progress.refresh_books(
        p_kind,
        p_version_id,
        array(
            select b.id
            from progress.versions as v
            inner join public.books as b on v.bible_version_id = b.bible_version_id
            where v.kind = p_kind and v.version_id = p_version_id
        )
    );
end
$$;

comment on function progress.refresh_all_chapters(text, uuid) is
'Bring every bitmap and book rollup of a version to what the base tables say; rows that are gone
leave. Returns the number of rows written. Only the drain calls it, under the version''s lock.';
