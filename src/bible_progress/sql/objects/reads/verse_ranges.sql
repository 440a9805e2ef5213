-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.verse_ranges(p_verse_ids text[])
returns table (chapter_id text, verses integer, ranges text)
language plpgsql
stable
rows 10
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    select r.chapter_id, r.verses, r.ranges
    from progress.ranges_within(
        array(
            select distinct v.chapter_id::text
            from public.verses as v
            where v.id = any (p_verse_ids)
        ),
        p_verse_ids
    ) as r
    where r.verses > 0;
end
$$;

comment on function progress.verse_ranges(text[]) is
'These verses as people write them, 1-12 15 17-20, one row a chapter; runs are of neighbours in
canon order. Ids that are no verse are left out.';
