-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.compare(
    p_kinds text[], p_version_ids uuid[], p_stored boolean default false
)
returns table (
    kind text,
    version_id uuid,
    book_id text,
    chapter_id text,
    only_here_verses integer,
    only_here text,
    lacking_verses integer,
    lacking text
)
language plpgsql
stable
rows 100
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_only_here text[];
    v_lacking text[];
begin
    if cardinality(p_kinds) <> cardinality(p_version_ids) or cardinality(p_kinds) < 2 then
        raise exception 'a comparison takes two or more versions, each with its kind'
            using errcode = 'BP002';
    end if;
    if (
        select count(distinct v.bible_version_id)
        from unnest(p_kinds, p_version_ids) as w (kind, version_id)
        inner join progress.versions as v on w.kind = v.kind and w.version_id = v.version_id
    ) > 1 then
        raise exception 'the versions have different canons, whose verses cannot be compared'
            using errcode = 'BP002', hint = 'Compare versions of one canon.';
    end if;

    for v_place in 1..cardinality(p_kinds) loop
        with has as materialized (
            select w.place, e.verse_id
            from unnest(p_kinds, p_version_ids) with ordinality as w (kind, version_id, place)
            cross join lateral progress.exact_verses(w.kind, w.version_id, p_stored) as e
        ),

        -- Who has a verse, for those that not all of them have.
        differing as (
            select
                h.verse_id,
                bool_or(h.place = v_place) as is_here,
                count(*) as holders
            from has as h
            group by h.verse_id
            having count(*) < cardinality(p_kinds)
        )

        select
            array_agg(d.verse_id) filter (where d.is_here and d.holders = 1),
            array_agg(d.verse_id) filter (where not d.is_here)
        into v_only_here, v_lacking
        from differing as d;

        return query
        select
            p_kinds[v_place],
            p_version_ids[v_place],
            o.book_id::text,
            o.chapter_id::text,
            coalesce(here.verses, 0),
            coalesce(here.ranges, ''),
            coalesce(lack.verses, 0),
            coalesce(lack.ranges, '')
        from progress.verse_ranges(coalesce(v_only_here, '{}')) as here
        full join progress.verse_ranges(coalesce(v_lacking, '{}')) as lack
            on here.chapter_id = lack.chapter_id
        inner join progress.canon_chapters as o
            on o.chapter_id = coalesce(here.chapter_id, lack.chapter_id)
        order by o.book_number, o.book_id, o.chapter_number, o.chapter_id;
    end loop;
end
$$;

comment on function progress.compare(text[], uuid[], boolean) is
'What each of two or more versions of one canon has that none of the others has, and what it lacks
that another has, audio against text included, exact in this snapshot: for each version one row a
chapter, in canon order. Refused (BP002) for different canons. With p_stored, as last drained.';
