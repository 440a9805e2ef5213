-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.missing_ranges(
    p_kind text,
    p_version_id uuid,
    p_chapter_ids text[],
    p_started_ids text[],
    p_stored boolean default false
)
returns table (chapter_id text, missing_verses integer, missing text)
language plpgsql
stable
rows 100
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    select r.chapter_id, r.other_verses, r.other_ranges
    from progress.ranges_within(
        p_chapter_ids,
        array(
            select e.verse_id
            from progress.exact_chapter_verses(
                p_kind, p_version_id, p_started_ids, p_stored
            ) as e
        )
    ) as r
    where r.other_verses > 0;
end
$$;

comment on function progress.missing_ranges(text, uuid, text[], text[], boolean) is
'What a version lacks of these chapters, one row a chapter with its missing verses as people write
them; p_started_ids are those of them in which it covers anything. With p_stored, as last drained.';
