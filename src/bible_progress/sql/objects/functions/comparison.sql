-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.comparison(
    p_kinds text[],
    p_version_ids uuid[],
    p_stored boolean default false,
    p_sight jsonb default null
)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if cardinality(p_kinds) between 2 and 8 is not true then
        raise exception 'a comparison takes two to eight versions' using errcode = 'BP002';
    end if;
    -- Before anything is said of their canons: one that is hidden must not be told from none.
    if exists (
        select
        from unnest(p_kinds, p_version_ids) as w (kind, id)
        left join progress.versions as v
            on
                w.kind = v.kind
                and w.id = v.version_id
                and (p_sight is null or p_sight -> v.kind ? v.version_id::text)
        where v.version_id is null
    ) then
        return null;
    end if;

    return (
        with difference as materialized (
            select d.*
            from progress.compare(p_kinds, p_version_ids, p_stored) as d
        )

        select
            json_build_object(
                'as_of', f.as_of,
                'pending', f.pending,
                'items', json_agg(
                    json_build_object(
                        'kind', v.kind,
                        'id', v.version_id,
                        'name', v.name,
                        'only_here_verses', coalesce(d.only_here_verses, 0),
                        'lacking_verses', coalesce(d.lacking_verses, 0),
                        'chapters', coalesce(d.chapters, '[]')
                    )
                    order by w.place
                )
            )
        from unnest(p_kinds, p_version_ids) with ordinality as w (kind, id, place)
        inner join progress.versions as v on w.kind = v.kind and w.id = v.version_id
        cross join progress.freshness_of(p_kinds, p_version_ids, p_stored) as f
        cross join lateral (
            select
                sum(x.only_here_verses) as only_here_verses,
                sum(x.lacking_verses) as lacking_verses,
                json_agg(
                    json_build_object(
                        'book_id', x.book_id,
                        'chapter_id', x.chapter_id,
                        'only_here_verses', x.only_here_verses,
                        'only_here', x.only_here,
                        'lacking_verses', x.lacking_verses,
                        'lacking', x.lacking
                    )
                ) filter (where p_sight is null or p_sight -> 'books' ? x.book_id) as chapters
            from difference as x
            where x.kind = w.kind and x.version_id = w.id
        ) as d
        group by f.as_of, f.pending
    );
end
$$;

comment on function progress.comparison(text[], uuid[], boolean, jsonb) is
'What progress.compare finds of two to eight versions as one document, in the order in which they
were named. NULL where one is not there; refused (BP002) for different canons. With p_stored, as last
drained; with p_sight, as if only what is in it were there.';
