-- One plan for every version and chapter: planning these views anew costs more than running them.
create or replace function progress.refresh_chapters(
    p_kind text, p_version_id uuid, p_chapter_ids text[]
)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_chapter_id text;
    v_live bit varying;
    v_stored bit varying;
    v_changed integer := 0;
    v_with_timings boolean := p_kind = 'audio' and progress.has_timed_verses(p_version_id);
begin
    foreach v_chapter_id in array p_chapter_ids loop
        v_live := progress.live_bitmap(p_kind, p_version_id, v_chapter_id, v_with_timings);
        v_stored := (
            select b.covered
            from progress.chapter_bitmap as b
            where
                b.kind = p_kind
                and b.version_id = p_version_id
                and b.chapter_id = v_chapter_id
        );
        if v_live is not distinct from v_stored then
            continue;
        end if;
        if v_live is null then
            delete from progress.chapter_bitmap as b
            where
                b.kind = p_kind
                and b.version_id = p_version_id
                and b.chapter_id = v_chapter_id;
        else
            insert into progress.chapter_bitmap as b (kind, version_id, chapter_id, covered)
            values (p_kind, p_version_id, v_chapter_id, v_live)
            on conflict (kind, version_id, chapter_id) do update
            set covered = excluded.covered;
        end if;
        v_changed := v_changed + 1;
    end loop;

    return v_changed + progress.refresh_books(
        p_kind,
        p_version_id,
        array(select distinct c.book_id from public.chapters as c where c.id = any(p_chapter_ids))
    );
end
$$;

comment on function progress.refresh_chapters(text, uuid, text[]) is
'Bring the bitmaps of these chapters, and the rollups of their books, to what the base tables say.
Returns the number of rows written. Only the drain calls it, under the version''s lock.';
