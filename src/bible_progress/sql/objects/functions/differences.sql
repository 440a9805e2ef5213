-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.differences(
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
    lacking text,
    differing_verses integer
)
language plpgsql
stable
rows 100
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
-- What a function returns has no statistics; without them sorts for a merge are chosen over a hash.
set enable_mergejoin = off
as $$
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

    return query
    with chapter as materialized (
        select w.kind, w.version_id, w.place, e.chapter_id, e.covered_verses, e.total_verses
        from unnest(p_kinds, p_version_ids) with ordinality as w (kind, version_id, place)
        cross join lateral progress.exact_chapters(w.kind, w.version_id, null, p_stored) as e
    ),

    -- Where all have everything, or none has anything, no verse is looked at.
    compared as materialized (
        select c.*
        from chapter as c
        where
            c.covered_verses > 0
            and c.chapter_id in (
                select o.chapter_id
                from chapter as o
                group by o.chapter_id
                having bool_or(o.covered_verses > 0) and bool_or(o.covered_verses < o.total_verses)
            )
    ),

    begun as materialized (
        select c.kind, c.version_id, c.place, array_agg(c.chapter_id) as chapter_ids
        from compared as c
        where c.covered_verses < c.total_verses
        group by c.kind, c.version_id, c.place
    ),

    covered as (
        select v.id::text as verse_id, v.chapter_id::text as chapter_id, c.place
        from compared as c
        inner join public.verses as v on c.chapter_id = v.chapter_id
        where c.covered_verses = c.total_verses
        union all
        select e.verse_id, e.chapter_id, b.place
        from begun as b
        cross join lateral progress.exact_chapter_verses(
            b.kind, b.version_id, b.chapter_ids, p_stored
        ) as e
    ),

    -- Who has a verse, for those that not all of them have.
    differing as materialized (
        select c.verse_id, c.chapter_id, array_agg(c.place) as places
        from covered as c
        group by c.verse_id, c.chapter_id
        having count(*) < cardinality(p_kinds)
    ),

    differing_chapter as materialized (
        select d.chapter_id, count(*)::integer as verses
        from differing as d
        group by d.chapter_id
    )

    select
        w.kind,
        w.version_id,
        o.book_id::text,
        o.chapter_id::text,
        r.only_here_verses,
        r.only_here,
        r.lacking_verses,
        r.lacking,
        n.verses
    from unnest(p_kinds, p_version_ids) with ordinality as w (kind, version_id, place)
    cross join lateral (
        select
            array_agg(d.verse_id) filter (where d.places = array[w.place]) as only_here,
            array_agg(d.verse_id) filter (where w.place <> all (d.places)) as lacking
        from differing as d
    ) as verse
    cross join lateral (
        select
            coalesce(here.chapter_id, lack.chapter_id) as chapter_id,
            coalesce(here.verses, 0) as only_here_verses,
            coalesce(here.ranges, '') as only_here,
            coalesce(lack.verses, 0) as lacking_verses,
            coalesce(lack.ranges, '') as lacking
        from progress.verse_ranges(coalesce(verse.only_here, '{}')) as here
        full join progress.verse_ranges(coalesce(verse.lacking, '{}')) as lack
            on here.chapter_id = lack.chapter_id
    ) as r
    inner join differing_chapter as n on r.chapter_id = n.chapter_id
    inner join progress.canon_chapters as o on r.chapter_id = o.chapter_id
    order by w.place, o.book_number, o.book_id, o.chapter_number, o.chapter_id;
end
$$;

comment on function progress.differences(text[], uuid[], boolean) is
'What progress.compare finds, each row with how many verses of its chapter some of the versions have
and some lack. Every chapter where they differ has a row.';
