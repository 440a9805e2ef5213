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
    -- Who has a verse, for those that not all of them have.
    with differing as materialized (
        select e.verse_id, array_agg(w.place) as places
        from unnest(p_kinds, p_version_ids) with ordinality as w (kind, version_id, place)
        cross join lateral progress.exact_verses(w.kind, w.version_id, p_stored) as e
        group by e.verse_id
        having count(*) < cardinality(p_kinds)
    )

    select
        w.kind,
        w.version_id,
        o.book_id::text,
        o.chapter_id::text,
        r.only_here_verses,
        r.only_here,
        r.lacking_verses,
        r.lacking
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
    inner join progress.canon_chapters as o on r.chapter_id = o.chapter_id
    order by w.place, o.book_number, o.book_id, o.chapter_number, o.chapter_id;
end
$$;

comment on function progress.compare(text[], uuid[], boolean) is
'What each of two or more versions of one canon has that none of the others has, and what it lacks
that another has, audio against text included, exact in this snapshot: for each version one row a
chapter, in canon order. Refused (BP002) for different canons. With p_stored, as last drained.';
