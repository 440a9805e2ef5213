-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.gap_list(
    p_kind text,
    p_version_id uuid,
    p_chapters integer default 200,
    p_after_chapter_id text default null,
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
    if p_chapters between 1 and 1500 is not true then
        raise exception '% chapters cannot be listed at once', coalesce(p_chapters::text, 'null')
            using errcode = 'BP002', hint = 'Ask for 1 to 1500, and go on at "next".';
    end if;
    if p_sight is not null and (p_sight -> p_kind ? p_version_id::text) is not true then
        return null;
    end if;

    return (
        -- One more than asked for tells whether others follow.
        with gap as materialized (
            select g.book_id, g.chapter_id, g.missing_verses, g.missing, g.place, b.name as book
            from
                progress.gaps(
                    p_kind, p_version_id, p_chapters + 1, p_stored, p_after_chapter_id, p_sight
                )
                with ordinality as g (book_id, chapter_id, missing_verses, missing, place)
            inner join public.books as b on g.book_id = b.id
        )

        select
            json_build_object(
                'kind', v.kind,
                'version_id', v.version_id,
                'as_of', f.as_of,
                'pending', f.pending,
                'missing_verses', e.total_verses - e.covered_verses,
                'items', coalesce(
                    (
                        select
                            json_agg(
                                json_build_object(
                                    'book_id', g.book_id,
                                    'book', g.book,
                                    'chapter_id', g.chapter_id,
                                    'number', c.chapter_number,
                                    'missing_verses', g.missing_verses,
                                    'missing', g.missing
                                )
                                order by g.place
                            )
                        from gap as g
                        inner join public.chapters as c on g.chapter_id = c.id
                        where g.place <= p_chapters
                    ),
                    '[]'
                ),
                'next', (
                    select g.chapter_id
                    from gap as g
                    where
                        g.place = p_chapters
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
p_after_chapter_id; next is what to give as that for those that follow, NULL at the end. NULL for a
version that is not there. With p_stored, as last drained; with p_sight, as if only what is in it
were there, but with the numbers of the whole version.';
