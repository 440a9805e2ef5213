-- title: ranges that run backwards
-- severity: warning
-- when: sound host
-- why: They cover nothing.
-- fix: Exchange the two verses.
select
    'recording ' || f.id || ': from ' || f.start_verse_id || ' to ' || f.end_verse_id as finding,
    format(
        'update public.media_files set start_verse_id = %%L, end_verse_id = %%L where id = %%L;',
        f.end_verse_id,
        f.start_verse_id,
        f.id
    ) as fix
from public.media_files as f
inner join public.verses as first_verse on f.start_verse_id = first_verse.id
inner join public.verses as last_verse on f.end_verse_id = last_verse.id
inner join public.chapters as first_chapter on first_verse.chapter_id = first_chapter.id
inner join public.chapters as last_chapter on last_verse.chapter_id = last_chapter.id
inner join public.books as first_book on first_chapter.book_id = first_book.id
inner join public.books as last_book on last_chapter.book_id = last_book.id
where
    f.deleted_at is null
    and first_book.bible_version_id = last_book.bible_version_id
    and (
        first_book.book_number,
        first_book.id,
        first_chapter.chapter_number,
        first_chapter.id,
        first_verse.verse_number
    ) > (
        last_book.book_number,
        last_book.id,
        last_chapter.chapter_number,
        last_chapter.id,
        last_verse.verse_number
    )
order by finding;
