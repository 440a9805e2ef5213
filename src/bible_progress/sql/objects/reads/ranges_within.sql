-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.ranges_within(p_chapter_ids text[], p_verse_ids text[])
returns table (
    chapter_id text, verses integer, ranges text, other_verses integer, other_ranges text
)
language plpgsql
stable
rows 10
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
-- What arrays hold has no statistics; without them sorts for a merge are chosen over a hash.
set enable_mergejoin = off
as $$
begin
    -- Neighbours are neighbours in canon order: a number that the canon leaves out ends no range.
    return query
    select
        span.chapter_id::text,
        coalesce(sum(span.verses) filter (where span.is_named), 0)::integer,
        string_agg(
            progress.written_range(span.first_number, span.last_number), ' '
            order by span.first_place
        ) filter (where span.is_named),
        coalesce(sum(span.verses) filter (where not span.is_named), 0)::integer,
        string_agg(
            progress.written_range(span.first_number, span.last_number), ' '
            order by span.first_place
        ) filter (where not span.is_named)
    from (
        select
            listed.chapter_id,
            listed.is_named,
            count(*) as verses,
            min(listed.place) as first_place,
            min(listed.verse_number) as first_number,
            max(listed.verse_number) as last_number
        from (
            select
                placed.*,
                placed.place - row_number() over (
                    partition by placed.chapter_id, placed.is_named order by placed.place
                ) as span
            from (
                select
                    v.chapter_id,
                    v.verse_number,
                    n.id is not null as is_named,
                    row_number() over (
                        partition by v.chapter_id order by v.verse_number, v.id collate "C"
                    ) as place
                from public.verses as v
                left join (select distinct u.id from unnest(p_verse_ids) as u (id)) as n
                    on v.id = n.id
                where v.chapter_id = any (p_chapter_ids)
            ) as placed
        ) as listed
        group by listed.chapter_id, listed.is_named, listed.span
    ) as span
    group by span.chapter_id;
end
$$;

comment on function progress.ranges_within(text[], text[]) is
'Which of the verses of these chapters are named and which are not, as people write them, 1-12 15
17-20, one row a chapter that has verses; runs are of neighbours in canon order, NULL is none.';
