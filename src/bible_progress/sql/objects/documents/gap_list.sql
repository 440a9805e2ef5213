-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.gap_list(
    p_kind text,
    p_version_id uuid,
    p_chapters integer default 200,
    p_after_chapter_id text default null,
    p_stored boolean default false,
    p_visible jsonb default null
)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_chapters between 1 and 1500 is not true then
        raise exception '% chapters cannot be listed at once', coalesce(p_chapters::text, 'null')
            using errcode = 'BP002', hint = 'Ask for 1 to 1500, and go on at "next_cursor".';
    end if;
    if p_visible is not null and (p_visible -> p_kind ? p_version_id::text) is not true then
        return null;
    end if;

    return (
        -- One more than asked for tells whether others follow.
        with found as (
            select true as is_listed, g.*
            from
                progress.gaps(
                    p_kind, p_version_id, p_chapters + 1, p_stored, p_after_chapter_id, p_visible
                )
                with ordinality as g (book_id, chapter_id, missing_verses, missing, place)
            union all
            select false as is_listed, g.*
            from
                progress.next_gaps(p_kind, p_version_id, 5, p_stored, p_visible)
                with ordinality as g (book_id, chapter_id, missing_verses, missing, place)
        ),

        gap as materialized (
            select
                f.is_listed,
                f.place,
                f.chapter_id,
                json_build_object(
                    'book_id', f.book_id,
                    'book', b.name,
                    'chapter_id', f.chapter_id,
                    'number', c.chapter_number,
                    'missing_verses', f.missing_verses,
                    'missing', f.missing
                ) as described
            from found as f
            inner join public.chapters as c on f.chapter_id = c.id
            inner join public.books as b on f.book_id = b.id
        )

        select
            json_build_object(
                'kind', v.kind,
                'version_id', v.version_id,
                'as_of', f.as_of,
                'pending', f.pending,
                'missing_verses', e.total_verses - e.covered_verses,
                'next', (select g.described from gap as g where not g.is_listed and g.place = 1),
                'upcoming', coalesce(
                    (
                        select json_agg(g.described order by g.place)
                        from gap as g
                        where not g.is_listed
                    ),
                    '[]'
                ),
                'items', coalesce(
                    (
                        select json_agg(g.described order by g.place)
                        from gap as g
                        where g.is_listed and g.place <= p_chapters
                    ),
                    '[]'
                ),
                'next_cursor', (
                    select g.chapter_id
                    from gap as g
                    where
                        g.is_listed
                        and g.place = p_chapters
                        and exists (select from gap as o where o.place > p_chapters)
                )
            )
        from progress.versions as v
        cross join lateral progress.exact_version(v.kind, v.version_id, p_stored) as e
        cross join lateral progress.freshness(v.kind, v.version_id, p_stored) as f
        where v.kind = p_kind and v.version_id = p_version_id
    );
end
$$;

comment on function progress.gap_list(text, uuid, integer, text, boolean, jsonb) is
'What progress.gaps finds as one document: at most p_chapters of them, 1 to 1500, behind
p_after_chapter_id; next_cursor is what to give as that for those that follow, NULL at the end.
upcoming is what to do first, the first five of progress.next_gaps, and next the first of them. NULL for a version that is not there. With p_stored, as last drained; with p_visible, as if only what is in it
were there, but with the numbers of the whole version.';
