-- Loading a canon into the host tables.
-- Parameters: bible_version_id, name; arrays with an element for each book (book_ids,
-- book_numbers, book_names, testaments) and for each chapter (chapter_ids, chapter_numbers,
-- chapter_book_ids, chapter_book_numbers, total_verses), in canon order.

-- name: insert_bible_version
insert into public.bible_versions (id, name)
values (%(bible_version_id)s, %(name)s)
on conflict (id) do nothing;

-- name: bible_version
select
    bible_versions.name,
    not exists (
        select 1
        from public.books
        where books.bible_version_id = bible_versions.id
    ) as is_empty
from public.bible_versions
where bible_versions.id = %(bible_version_id)s;

-- name: id_of_another_version
with wanted_chapters as (
    select *
    from unnest(%(chapter_ids)s::text[], %(total_verses)s::integer[])
        as c (id, total_verses)
),

found as (
    select
        1 as level_number,
        'book' as level_name,
        books.id,
        books.bible_version_id
    from public.books
    where books.id = any(%(book_ids)s::text[])
    union all
    select
        2 as level_number,
        'chapter' as level_name,
        chapters.id,
        books.bible_version_id
    from wanted_chapters
    inner join public.chapters on wanted_chapters.id = chapters.id
    left join public.books on chapters.book_id = books.id
    union all
    select
        3 as level_number,
        'verse' as level_name,
        verses.id,
        books.bible_version_id
    from wanted_chapters
    cross join generate_series(1, wanted_chapters.total_verses) as v (verse_number)
    inner join public.verses on verses.id = wanted_chapters.id || '-' || v.verse_number
    left join public.chapters on verses.chapter_id = chapters.id
    left join public.books on chapters.book_id = books.id
)

select
    level_name,
    id,
    coalesce(bible_version_id, 'none') as bible_version_id
from found
where bible_version_id is distinct from %(bible_version_id)s
order by level_number, id
limit 1;

-- name: first_difference
with wanted_chapters as (
    select *
    from unnest(
        %(chapter_ids)s::text[],
        %(chapter_numbers)s::integer[],
        %(chapter_book_ids)s::text[],
        %(chapter_book_numbers)s::integer[],
        %(total_verses)s::integer[]
    ) as c (id, chapter_number, book_id, book_number, total_verses)
),

stored_books as (
    select *
    from public.books
    where bible_version_id = %(bible_version_id)s
),

wanted as (
    select
        'book' as level_name,
        b.id,
        array[1, b.book_number] as place,
        concat(
            'number ', b.book_number,
            ', name ', quote_nullable(b.name),
            ', testament ', quote_nullable(b.testament)
        ) as described
    from
        unnest(
            %(book_ids)s::text[],
            %(book_numbers)s::integer[],
            %(book_names)s::text[],
            %(testaments)s::text[]
        ) as b (id, book_number, name, testament)
    union all
    select
        'chapter' as level_name,
        c.id,
        array[2, c.book_number, c.chapter_number] as place,
        concat('chapter ', c.chapter_number, ' of ', c.book_id, ', verses ', c.total_verses)
            as described
    from wanted_chapters as c
    union all
    select
        'verse' as level_name,
        c.id || '-' || v.verse_number as id,
        array[3, c.book_number, c.chapter_number, v.verse_number] as place,
        concat('verse ', v.verse_number, ' of ', c.id) as described
    from wanted_chapters as c
    cross join generate_series(1, c.total_verses) as v (verse_number)
),

stored as (
    select
        'book' as level_name,
        b.id,
        array[1, b.book_number] as place,
        concat(
            'number ', b.book_number,
            ', name ', quote_nullable(b.name),
            ', testament ', quote_nullable(b.testament)
        ) as described
    from stored_books as b
    union all
    select
        'chapter' as level_name,
        c.id,
        array[2, b.book_number, c.chapter_number] as place,
        concat('chapter ', c.chapter_number, ' of ', b.id, ', verses ', c.total_verses) as described
    from stored_books as b
    inner join public.chapters as c on b.id = c.book_id
    union all
    select
        'verse' as level_name,
        v.id,
        array[3, b.book_number, c.chapter_number, v.verse_number] as place,
        concat('verse ', v.verse_number, ' of ', c.id) as described
    from stored_books as b
    inner join public.chapters as c on b.id = c.book_id
    inner join public.verses as v on c.id = v.chapter_id
)

select
    coalesce(wanted.level_name, stored.level_name) as level_name,
    coalesce(wanted.id, stored.id) as id,
    coalesce(stored.described, 'absent') as stored_row,
    coalesce(wanted.described, 'absent') as wanted_row
from wanted
full join stored
    on wanted.level_name = stored.level_name and wanted.id = stored.id
where wanted.described is distinct from stored.described
order by coalesce(wanted.place, stored.place), id
limit 1;

-- name: insert_books
insert into public.books (id, name, book_number, bible_version_id, testament)
select
    b.id,
    b.name,
    b.book_number,
    %(bible_version_id)s,
    -- The column is text on some hosts and an enum on others.
    (
        jsonb_populate_record(
            null::public.books, jsonb_build_object('testament', b.testament)
        )
    ).testament
from unnest(
    %(book_ids)s::text[],
    %(book_numbers)s::integer[],
    %(book_names)s::text[],
    %(testaments)s::text[]
) as b (id, book_number, name, testament);

-- name: insert_chapters
insert into public.chapters (id, chapter_number, book_id, total_verses)
select
    c.id,
    c.chapter_number,
    c.book_id,
    c.total_verses
from unnest(
    %(chapter_ids)s::text[],
    %(chapter_numbers)s::integer[],
    %(chapter_book_ids)s::text[],
    %(total_verses)s::integer[]
) as c (id, chapter_number, book_id, total_verses);

-- name: insert_verses
insert into public.verses (id, verse_number, chapter_id)
select
    c.id || '-' || v.verse_number as id,
    v.verse_number,
    c.id as chapter_id
from
    unnest(%(chapter_ids)s::text[], %(total_verses)s::integer[])
    with ordinality as c (id, total_verses, place)
cross join generate_series(1, c.total_verses) as v (verse_number)
order by c.place, v.verse_number;

-- name: flush_statistics
-- Else what was loaded is reported after the analyze, and passes for changed since.
select pg_stat_force_next_flush();

-- name: analyze
-- Autovacuum would do it within a minute; plans made before it take the canon for a small one.
analyze public.books, public.chapters, public.verses;
