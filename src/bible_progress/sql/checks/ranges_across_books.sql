-- title: ranges that end in another book
-- severity: advice
-- when: sound host
-- why: They cover every verse in between, which for a wrong end verse is a lot.
-- fix: Look at them once.
select 'recording ' || f.id || ': from ' || f.start_verse_id || ' to ' || f.end_verse_id as finding
from public.media_files as f
inner join public.verses as first_verse on f.start_verse_id = first_verse.id
inner join public.verses as last_verse on f.end_verse_id = last_verse.id
inner join public.chapters as first_chapter on first_verse.chapter_id = first_chapter.id
inner join public.chapters as last_chapter on last_verse.chapter_id = last_chapter.id
inner join public.books as first_book on first_chapter.book_id = first_book.id
inner join public.books as last_book on last_chapter.book_id = last_book.id
where
    f.deleted_at is null
    and first_book.id <> last_book.id
    and first_book.bible_version_id = last_book.bible_version_id
    and first_book.book_number <= last_book.book_number
order by finding;
