-- name: is_empty
select not exists (
    select
    from pg_catalog.pg_class as c
    where
        c.relnamespace = 'public'::regnamespace
        and c.relkind in ('r', 'p', 'v', 'm', 'f')
) as is_empty;

-- name: add_language
insert into public.language_entities (name)
values (%(name)s)
returning id;

-- name: add_text_version
insert into public.text_versions (language_entity_id, bible_version_id, name)
values (%(language)s, %(canon)s, %(name)s)
returning id;

-- name: add_audio_version
insert into public.audio_versions (language_entity_id, bible_version_id, name)
values (%(language)s, %(canon)s, %(name)s)
returning id;

-- name: copy_texts
copy public.verse_texts (text_version_id, verse_id, verse_text, publish_status) from stdin;

-- name: record_chapters
insert into public.media_files (
    audio_version_id, chapter_id, upload_status, publish_status, original_filename
)
select
    %(version)s as audio_version_id,
    c.id,
    'completed' as upload_status,
    'published' as publish_status,
    'sample_' || c.id || '.mp3' as original_filename
from public.chapters as c
inner join public.books as b on c.book_id = b.id
where
    b.bible_version_id = %(canon)s
    and b.book_number between %(first_book)s and %(last_book)s;

-- name: record_ranges
-- The first half of every chapter, and all of every third: a recording under way.
insert into public.media_files (
    audio_version_id, start_verse_id, end_verse_id, upload_status, publish_status,
    original_filename
)
select
    %(version)s as audio_version_id,
    c.id || '-1',
    c.id || '-'
    || case when mod(c.chapter_number, 3) = 0 then c.total_verses else (c.total_verses + 1) / 2 end,
    'completed' as upload_status,
    'published' as publish_status,
    'sample_' || c.id || '_part.mp3' as original_filename
from public.chapters as c
inner join public.books as b on c.book_id = b.id
where
    b.bible_version_id = %(canon)s
    and b.book_number between %(first_book)s and %(last_book)s;

-- name: record_timings
with files as (
    insert into public.media_files (
        audio_version_id, upload_status, publish_status, original_filename
    )
    select
        %(version)s as audio_version_id,
        'completed' as upload_status,
        'published' as publish_status,
        'sample_' || b.id || '_timed.mp3' as original_filename
    from public.books as b
    where
        b.bible_version_id = %(canon)s
        and b.book_number between %(first_book)s and %(last_book)s
    returning id, original_filename
)

insert into public.media_files_verses (
    media_file_id, verse_id, start_time_seconds, duration_seconds
)
select
    f.id,
    v.id,
    5 * (row_number() over (partition by f.id order by c.chapter_number, v.verse_number) - 1),
    5
from files as f
inner join public.books as b on f.original_filename = 'sample_' || b.id || '_timed.mp3'
inner join public.chapters as c on b.id = c.book_id
inner join public.verses as v on c.id = v.chapter_id;

-- name: delete_chapter
delete from public.verse_texts
where
    text_version_id = %(version)s
    and verse_id in (
        select v.id
        from public.verses as v
        where v.chapter_id = %(chapter)s
    );

-- name: publish_chapter
insert into public.media_files (
    audio_version_id, chapter_id, upload_status, publish_status, original_filename
)
values (%(version)s, %(chapter)s, 'completed', 'published', 'sample_' || %(chapter)s || '.mp3');

-- name: move_chapter
-- Only verses that the other version lacks: a verse has one text a version.
update public.verse_texts as t
set text_version_id = %(other)s
where
    t.text_version_id = %(version)s
    and t.verse_id in (
        select v.id
        from public.verses as v
        where v.chapter_id = %(chapter)s
    )
    and not exists (
        select
        from public.verse_texts as o
        where o.text_version_id = %(other)s and o.verse_id = t.verse_id
    );

-- name: summary
select
    covered_verses,
    books_complete
from progress.version_rollup
where kind = %(kind)s and version_id = %(version)s;

-- name: is_clean
select not exists (
    select
    from progress.dirty
    where kind = %(kind)s and version_id = %(version)s
);

-- name: analyze
analyze;
