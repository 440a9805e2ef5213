-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.chapter(
    p_kind text, p_version_id uuid, p_chapter_id text, p_stored boolean default false
)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return (
        with has as materialized (
            select e.verse_id
            from progress.exact_chapter_verses(
                p_kind, p_version_id, array[p_chapter_id], p_stored
            ) as e
        ),

        verse as materialized (
            select v.id, v.verse_number, h.verse_id is not null as is_covered
            from public.verses as v
            left join has as h on v.id = h.verse_id
            where v.chapter_id = p_chapter_id
        ),

        counted as (
            select
                count(*) as total_verses,
                count(*) filter (where v.is_covered) as covered_verses,
                array_agg(v.id::text) filter (where v.is_covered) as covered,
                array_agg(v.id::text) filter (where not v.is_covered) as missing,
                json_agg(
                    json_build_object(
                        'id', v.id, 'number', v.verse_number, 'is_covered', v.is_covered
                    )
                    order by v.verse_number, v.id collate "C"
                ) as listed
            from verse as v
        )

        select
            json_build_object(
                'kind', p_kind,
                'version_id', p_version_id,
                'as_of', f.as_of,
                'pending', f.pending,
                'book_id', o.book_id,
                'book', b.name,
                'id', o.chapter_id,
                'number', o.chapter_number,
                'status', progress.coverage_status(c.covered_verses, c.total_verses),
                'covered_verses', c.covered_verses,
                'total_verses', c.total_verses,
                'percent', progress.percent(c.covered_verses, c.total_verses),
                'covered', coalesce((select r.ranges from progress.verse_ranges(c.covered) as r), ''),
                'missing', coalesce((select r.ranges from progress.verse_ranges(c.missing) as r), ''),
                'verses', coalesce(c.listed, '[]')
            )
        from progress.versions as ver
        inner join progress.canon_chapters as o
            on ver.bible_version_id = o.bible_version_id and o.chapter_id = p_chapter_id
        inner join public.books as b on o.book_id = b.id
        cross join counted as c
        cross join lateral progress.freshness(p_kind, p_version_id, p_stored) as f
        where ver.kind = p_kind and ver.version_id = p_version_id
    );
end
$$;

comment on function progress.chapter(text, uuid, text, boolean) is
'A chapter of a version with its verses and whether they are covered as one document, exact in this
snapshot. NULL for a version that is not there or a chapter that its canon does not have. With
p_stored, as last drained.';
