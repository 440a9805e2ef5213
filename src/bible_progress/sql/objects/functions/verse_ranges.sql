create or replace function progress.verse_ranges(p_verse_ids text[])
returns table (chapter_id text, verses integer, ranges text)
language plpgsql
stable
rows 10
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    -- Neighbours are neighbours in canon order: a number that the canon leaves out ends no range.
    return query
    select
        span.chapter_id::text,
        sum(span.verses)::integer,
        string_agg(
            case
                when span.first_number = span.last_number then span.first_number::text
                else span.first_number || '-' || span.last_number
            end,
            ' ' order by span.first_place
        )
    from (
        select
            listed.chapter_id,
            count(*) as verses,
            min(listed.place) as first_place,
            min(listed.verse_number) as first_number,
            max(listed.verse_number) as last_number
        from (
            select
                placed.chapter_id,
                placed.verse_number,
                placed.place,
                placed.place
                - row_number() over (partition by placed.chapter_id order by placed.place) as span
            from (
                select
                    v.id,
                    v.chapter_id,
                    v.verse_number,
                    row_number() over (
                        partition by v.chapter_id order by v.verse_number, v.id collate "C"
                    ) as place
                from public.verses as v
                where
                    v.chapter_id = any (
                        array(
                            select distinct named.chapter_id
                            from public.verses as named
                            where named.id = any (p_verse_ids)
                        )
                    )
            ) as placed
            inner join
                (select distinct u.id from unnest(p_verse_ids) as u (id)) as wanted
                on placed.id = wanted.id
        ) as listed
        group by listed.chapter_id, listed.span
    ) as span
    group by span.chapter_id;
end
$$;

comment on function progress.verse_ranges(text[]) is
'These verses as people write them, 1-12 15 17-20, one row a chapter; runs are of neighbours in
canon order. Ids that are no verse are left out.';
