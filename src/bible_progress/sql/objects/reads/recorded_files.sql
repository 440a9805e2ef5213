-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.recorded_files(p_version_id uuid)
returns table (chapter_id text, files integer, duration_seconds numeric)
language plpgsql
stable
rows 1200
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    select
        coalesce(v.chapter_id, case when r.start_verse_id is null then r.chapter_id end)::text,
        count(*)::integer,
        coalesce(sum(r.duration_seconds), 0)
    from progress.recordings as r
    left join public.verses as v on r.start_verse_id = v.id
    where r.audio_version_id = p_version_id
    group by 1;
end
$$;

comment on function progress.recorded_files(uuid) is
'The recordings of an audio version that count and their duration, by the chapter in which they
begin; NULL for those that name none, such as a book with verse timings.';
