-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.tree(
    p_kind text,
    p_version_id uuid,
    p_depth text default 'chapter',
    p_book_id text default null,
    p_stored boolean default false,
    p_visible jsonb default null
)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
-- What a function returns has no statistics; without them sorts for a merge are chosen over a hash.
set enable_mergejoin = off
as $$
declare
    v_books json;
    v_counts record;
    v_files bigint;
    v_duration numeric;
begin
    if (p_depth in ('version', 'book', 'chapter')) is not true then
        raise exception 'depth % is none of version, book, chapter', coalesce(p_depth, 'null')
            using errcode = 'BP002';
    end if;

    if p_visible is not null and (p_visible -> p_kind ? p_version_id::text) is not true then
        return null;
    end if;

    select e.* into v_counts from progress.exact_version(p_kind, p_version_id, p_stored) as e;
    if not found then
        return null;
    end if;

    if p_depth = 'version' then
        select sum(f.files), sum(f.duration_seconds)
        into v_files, v_duration
        from progress.recorded_files(p_version_id) as f
        where p_kind = 'audio';
    else
        with file as materialized (
            select c.book_id, f.chapter_id, f.files, f.duration_seconds
            from progress.recorded_files(p_version_id) as f
            left join public.chapters as c on f.chapter_id = c.id
            where p_kind = 'audio'
        ),

        file_of_book as (
            select f.book_id, sum(f.files) as files, sum(f.duration_seconds) as duration_seconds
            from file as f
            group by f.book_id
        ),

        chapter as (
            select e.book_id, e.chapter_id, e.chapter_number, e.covered_verses, e.total_verses
            from progress.exact_chapters(p_kind, p_version_id, p_book_id, p_stored) as e
            where p_depth = 'chapter'
        ),

        -- Only these take looking at verses.
        started as (
            select array_agg(c.chapter_id) as ids
            from chapter as c
            where c.covered_verses > 0 and c.covered_verses < c.total_verses
        ),

        range as materialized (
            select r.chapter_id, r.ranges as covered, r.other_ranges as missing
            from progress.ranges_within(
                (select s.ids from started as s),
                array(
                    select e.verse_id
                    from started as s
                    cross join progress.exact_chapter_verses(
                        p_kind, p_version_id, s.ids, p_stored
                    ) as e
                    where s.ids is not null
                )
            ) as r
        ),

        -- Rows become documents faster than pairs of names and values do.
        chapters as (
            select c.book_id, json_agg(to_json(d) order by d.number, d.id) as listed
            from chapter as c
            left join range as r on c.chapter_id = r.chapter_id
            left join file as f on c.chapter_id = f.chapter_id
            cross join lateral (
                select
                    c.chapter_id as id,
                    c.chapter_number as number,
                    progress.coverage_status(c.covered_verses, c.total_verses) as status,
                    c.covered_verses,
                    c.total_verses,
                    progress.percent(c.covered_verses, c.total_verses) as percent,
                    r.covered,
                    r.missing,
                    case when p_kind = 'audio' then coalesce(f.files, 0) end as files,
                    case
                        when p_kind = 'audio' then coalesce(f.duration_seconds, 0)
                    end as duration_seconds
            ) as d
            group by c.book_id
        ),

        books as (
            select json_agg(to_json(d) order by d.number, d.id) as listed
            from progress.exact_books(p_kind, p_version_id, p_stored) as e
            inner join public.books as b on e.book_id = b.id
            left join chapters as c on e.book_id = c.book_id
            left join file_of_book as f on e.book_id = f.book_id
            cross join lateral (
                select
                    e.book_id as id,
                    b.name,
                    e.book_number as number,
                    b.testament,
                    progress.coverage_status(e.covered_verses, e.total_verses) as status,
                    e.covered_verses,
                    e.total_verses,
                    progress.percent(e.covered_verses, e.total_verses) as percent,
                    e.chapters_with_any,
                    e.complete_chapters,
                    e.total_chapters,
                    case when p_kind = 'audio' then coalesce(f.files, 0) end as files,
                    case
                        when p_kind = 'audio' then coalesce(f.duration_seconds, 0)
                    end as duration_seconds,
                    case when p_depth = 'chapter' then coalesce(c.listed, '[]') end as chapters
            ) as d
            where
                (p_book_id is null or e.book_id = p_book_id)
                and (p_visible is null or p_visible -> 'books' ? e.book_id)
        )

        select
            coalesce((select b.listed from books as b), '[]'),
            sum(f.files),
            sum(f.duration_seconds)
        into v_books, v_files, v_duration
        from file as f;
    end if;

    return (
        select
            json_build_object(
                'kind', p_kind,
                'id', p_version_id,
                'name', v.name,
                'language_entity_id', v.language_entity_id,
                'language', l.name,
                'bible_version_id', v.bible_version_id,
                'canon', k.name,
                'created_at', case
                    -- Clients know no others.
                    when v.created_at between '0001-01-02Z' and '9999-12-30Z' then v.created_at
                end,
                'refreshed_at', r.refreshed_at,
                'as_of', f.as_of,
                'pending', f.pending,
                'is_best', coalesce(
                    p_version_id = case
                        when p_visible is null
                            then progress.exact_best_version(
                                p_kind, v.language_entity_id, p_stored
                            )
                        else (
                            select b.version_id
                            from progress.best_versions(
                                array[v.language_entity_id],
                                false,
                                p_stored,
                                -- Its own language counts even where its row is hidden.
                                jsonb_set(
                                    p_visible,
                                    '{languages}',
                                    jsonb_build_array(v.language_entity_id)
                                )
                            ) as b
                            where b.kind = p_kind
                        )
                    end,
                    false
                ),
                'status', progress.coverage_status(v_counts.covered_verses, v_counts.total_verses),
                'covered_verses', v_counts.covered_verses,
                'total_verses', v_counts.total_verses,
                'percent', progress.percent(v_counts.covered_verses, v_counts.total_verses),
                'chapters_with_any', v_counts.chapters_with_any,
                'complete_chapters', v_counts.complete_chapters,
                'total_chapters', v_counts.total_chapters,
                'books_complete', v_counts.books_complete,
                'total_books', v_counts.total_books,
                'testaments', t.testaments,
                'files', case when p_kind = 'audio' then coalesce(v_files, 0) end,
                'duration_seconds',
                case when p_kind = 'audio' then coalesce(v_duration, 0) end,
                'books', v_books
            )
        from progress.versions as v
        cross join lateral progress.freshness(v.kind, v.version_id, p_stored) as f
        cross join progress.testaments(array[p_kind], array[p_version_id], p_stored) as t
        left join public.language_entities as l
            on
                v.language_entity_id = l.id
                and (p_visible is null or p_visible -> 'languages' ? l.id::text)
        left join public.bible_versions as k
            on
                v.bible_version_id = k.id
                and (p_visible is null or p_visible -> 'canons' ? k.id::text)
        left join progress.version_rollup as r on v.kind = r.kind and v.version_id = r.version_id
        where v.kind = p_kind and v.version_id = p_version_id
    );
end
$$;

comment on function progress.tree(text, uuid, text, text, boolean, jsonb) is
'A version with its books and their chapters in canon order as one document, exact in this snapshot;
p_depth version, book or chapter says how deep, p_book_id keeps one book. A chapter that is begun but
not complete has its covered and missing verses as people write them. Recordings have their files and
duration, counted where they begin. NULL for a version that is not there. With p_stored, as last
drained; with p_visible, as if only what is in it were there, but with the numbers of the whole
version.';
