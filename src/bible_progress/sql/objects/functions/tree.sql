-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.tree(
    p_kind text,
    p_version_id uuid,
    p_depth text default 'chapter',
    p_book_id text default null
)
returns json
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    v_books json;
begin
    if p_depth not in ('version', 'book', 'chapter') then
        raise exception 'depth % is none of version, book, chapter', p_depth
            using errcode = 'BP002';
    end if;

    if p_depth <> 'version' then
        with chapter as (
            select e.book_id, e.chapter_id, e.covered_verses, e.total_verses
            from progress.exact_chapters(p_kind, p_version_id, p_book_id) as e
            where p_depth = 'chapter'
        ),

        -- Only these take looking at verses.
        started as (
            select array_agg(c.chapter_id) as ids
            from chapter as c
            where c.covered_verses > 0 and c.covered_verses < c.total_verses
        ),

        covered as materialized (
            select e.verse_id
            from started as s
            cross join progress.exact_chapter_verses(p_kind, p_version_id, s.ids) as e
            where s.ids is not null
        ),

        covered_range as materialized (
            select r.chapter_id, r.ranges
            from progress.verse_ranges(array(select c.verse_id from covered as c)) as r
        ),

        missing_range as materialized (
            select r.chapter_id, r.ranges
            from progress.verse_ranges(
                array(
                    select v.id::text
                    from public.verses as v
                    where
                        v.chapter_id = any ((select s.ids from started as s)::text[])
                        and v.id not in (select c.verse_id from covered as c)
                )
            ) as r
        ),

        chapters as (
            select
                c.book_id,
                json_agg(
                    json_build_object(
                        'id', c.chapter_id,
                        'number', o.chapter_number,
                        'status', progress.coverage_status(c.covered_verses, c.total_verses),
                        'covered_verses', c.covered_verses,
                        'total_verses', c.total_verses,
                        'covered', r.ranges,
                        'missing', m.ranges
                    )
                    order by o.chapter_number, c.chapter_id
                ) as listed
            from chapter as c
            inner join public.chapters as o on c.chapter_id = o.id
            left join covered_range as r on c.chapter_id = r.chapter_id
            left join missing_range as m on c.chapter_id = m.chapter_id
            group by c.book_id
        )

        select
            coalesce(
                json_agg(
                    json_build_object(
                        'id', e.book_id,
                        'name', b.name,
                        'number', b.book_number,
                        'testament', b.testament,
                        'status', progress.coverage_status(e.covered_verses, e.total_verses),
                        'covered_verses', e.covered_verses,
                        'total_verses', e.total_verses,
                        'chapters_with_any', e.chapters_with_any,
                        'complete_chapters', e.complete_chapters,
                        'total_chapters', e.total_chapters,
                        'chapters', case
                            when p_depth = 'chapter' then coalesce(c.listed, '[]')
                        end
                    )
                    order by b.book_number, e.book_id
                ),
                '[]'
            )
        into v_books
        from progress.exact_books(p_kind, p_version_id) as e
        inner join public.books as b on e.book_id = b.id
        left join chapters as c on e.book_id = c.book_id
        where p_book_id is null or e.book_id = p_book_id;
    end if;

    return (
        select
            json_build_object(
                'kind', p_kind,
                'id', p_version_id,
                'name', coalesce(a.name, t.name),
                'language_entity_id', v.language_entity_id,
                'bible_version_id', v.bible_version_id,
                'as_of', statement_timestamp(),
                'pending', not e.was_stored,
                'status', progress.coverage_status(e.covered_verses, e.total_verses),
                'covered_verses', e.covered_verses,
                'total_verses', e.total_verses,
                'chapters_with_any', e.chapters_with_any,
                'complete_chapters', e.complete_chapters,
                'total_chapters', e.total_chapters,
                'books_complete', e.books_complete,
                'total_books', e.total_books,
                'books', v_books
            )
        from progress.versions as v
        cross join lateral progress.exact_version(v.kind, v.version_id) as e
        left join public.audio_versions as a on v.kind = 'audio' and v.version_id = a.id
        left join public.text_versions as t on v.kind = 'text' and v.version_id = t.id
        where v.kind = p_kind and v.version_id = p_version_id
    );
end
$$;

comment on function progress.tree(text, uuid, text, text) is
'A version with its books and their chapters in canon order as one document, exact in this snapshot;
p_depth version, book or chapter says how deep, p_book_id keeps one book. A chapter that is begun but
not complete tells what it has and lacks as people write it; levels below p_depth are null. pending:
changes wait to be stored. NULL for a version that is not there.';
