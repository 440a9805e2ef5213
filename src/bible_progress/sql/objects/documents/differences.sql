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
    -- Who has a verse is kept in the bits of one number.
    if cardinality(p_kinds) > 60 then
        raise exception 'a comparison takes at most 60 versions' using errcode = 'BP002';
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
        select
            w.kind,
            w.version_id,
            w.place,
            1::bigint << w.place::integer as bit,
            e.chapter_id,
            e.covered_verses,
            e.total_verses
        from unnest(p_kinds, p_version_ids) with ordinality as w (kind, version_id, place)
        cross join lateral progress.exact_chapters(w.kind, w.version_id, null, p_stored) as e
    ),

    -- Where all have everything, or none has anything, no verse is looked at. Elsewhere only those
    -- of versions that have a part of a chapter are.
    compared as materialized (
        select
            c.chapter_id,
            coalesce(bit_or(c.bit) filter (where c.covered_verses = c.total_verses), 0) as whole
        from chapter as c
        group by c.chapter_id
        having bool_or(c.covered_verses > 0) and bool_or(c.covered_verses < c.total_verses)
    ),

    begun as materialized (
        select c.kind, c.version_id, c.bit, array_agg(c.chapter_id) as chapter_ids
        from chapter as c
        where c.covered_verses > 0 and c.covered_verses < c.total_verses
        group by c.kind, c.version_id, c.bit
    ),

    part as materialized (
        select e.verse_id, bit_or(b.bit) as bits
        from begun as b
        cross join lateral progress.exact_chapter_verses(
            b.kind, b.version_id, b.chapter_ids, p_stored
        ) as e
        group by e.verse_id
    ),

    verse as (
        select
            v.chapter_id,
            v.verse_number,
            c.whole | coalesce(p.bits, 0) as bits,
            row_number() over (
                partition by v.chapter_id order by v.verse_number, v.id collate "C"
            ) as place
        from compared as c
        inner join public.verses as v on c.chapter_id = v.chapter_id
        left join part as p on v.id = p.verse_id
    ),

    spanned as (
        select
            v.*,
            v.place - row_number() over (
                partition by v.chapter_id, v.bits order by v.place
            ) as span
        from verse as v
    ),

    -- Neighbours that the same versions have; of those that not all or none of them have.
    run as materialized (
        select
            s.chapter_id,
            s.bits,
            min(s.place) as first_place,
            max(s.place) as last_place,
            min(s.verse_number) as first_number,
            max(s.verse_number) as last_number,
            count(*) as verses
        from spanned as s
        where
            s.bits <> 0
            and s.bits <> (1::bigint << (cardinality(p_kinds) + 1)) - 2
        group by s.chapter_id, s.bits, s.span
    ),

    differing as materialized (
        select r.chapter_id, sum(r.verses)::integer as verses
        from run as r
        group by r.chapter_id
    ),

    -- What a version lacks of neighbouring runs is one range.
    told as (
        select
            w.place as version,
            r.*,
            r.bits = w.bit as is_only,
            r.first_place - 1 is distinct from lag(r.last_place) over (
                partition by w.place, r.chapter_id, r.bits = w.bit order by r.first_place
            ) as begins
        from (
            select n.place, 1::bigint << n.place::integer as bit
            from generate_series(1, cardinality(p_kinds)) as n (place)
        ) as w
        inner join run as r on r.bits & w.bit = 0 or r.bits = w.bit
    ),

    numbered as (
        select
            t.*,
            count(*) filter (where t.begins) over (
                partition by t.version, t.chapter_id, t.is_only order by t.first_place
            ) as number
        from told as t
    ),

    range as (
        select
            n.version,
            n.chapter_id,
            n.is_only,
            min(n.first_place) as first_place,
            sum(n.verses) as verses,
            progress.written_range(min(n.first_number), max(n.last_number)) as written
        from numbered as n
        group by n.version, n.chapter_id, n.is_only, n.number
    ),

    difference as (
        select
            g.version,
            g.chapter_id,
            coalesce(sum(g.verses) filter (where g.is_only), 0)::integer as only_here_verses,
            coalesce(
                string_agg(g.written, ' ' order by g.first_place) filter (where g.is_only), ''
            ) as only_here,
            coalesce(sum(g.verses) filter (where not g.is_only), 0)::integer as lacking_verses,
            coalesce(
                string_agg(g.written, ' ' order by g.first_place) filter (where not g.is_only), ''
            ) as lacking
        from range as g
        group by g.version, g.chapter_id
    )

    select
        w.kind,
        w.version_id,
        o.book_id::text,
        o.chapter_id::text,
        d.only_here_verses,
        d.only_here,
        d.lacking_verses,
        d.lacking,
        n.verses
    from unnest(p_kinds, p_version_ids) with ordinality as w (kind, version_id, place)
    inner join difference as d on w.place = d.version
    inner join differing as n on d.chapter_id = n.chapter_id
    inner join progress.canon_chapters as o on d.chapter_id = o.chapter_id
    order by w.place, o.book_number, o.book_id, o.chapter_number, o.chapter_id;
end
$$;

comment on function progress.differences(text[], uuid[], boolean) is
'What progress.compare finds, each row with how many verses of its chapter some of the versions have
and some lack. Every chapter where they differ has a row.';
