-- A range runs in canon order: book, chapter, verse by their number columns; where two books or
-- two chapters share a number their ids decide.
-- A function, because such ranges are few and the planner, who cannot know it, would expect
-- millions of verses and compile (JIT) for seconds what runs for milliseconds. Readers call it
-- through the view, and see nothing but public: hence not canon_chapters.
create or replace function progress.verses_between(
    p_bible_version_id text, p_start_verse_id text, p_end_verse_id text
)
returns table (verse_id text, chapter_id text)
language plpgsql
stable
rows 30
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    select
        v.id::text,
        v.chapter_id::text
    from public.verses as first_verse
    inner join public.chapters as first_chapter on first_verse.chapter_id = first_chapter.id
    inner join public.books as first_book on first_chapter.book_id = first_book.id
    cross join public.verses as last_verse
    inner join public.chapters as last_chapter on last_verse.chapter_id = last_chapter.id
    inner join public.books as last_book on last_chapter.book_id = last_book.id
    inner join public.books as b on b.bible_version_id = p_bible_version_id
    inner join public.chapters as c
        on
            b.id = c.book_id
            and (b.book_number, b.id, c.chapter_number, c.id)
            between (
                first_book.book_number,
                first_book.id,
                first_chapter.chapter_number,
                first_chapter.id
            )
            and (last_book.book_number, last_book.id, last_chapter.chapter_number, last_chapter.id)
    inner join public.verses as v
        on
            c.id = v.chapter_id
            and (first_chapter.id <> c.id or first_verse.verse_number <= v.verse_number)
            and (last_chapter.id <> c.id or last_verse.verse_number >= v.verse_number)
    where
        first_verse.id = p_start_verse_id
        and last_verse.id = p_end_verse_id
        and first_book.bible_version_id = p_bible_version_id
        and last_book.bible_version_id = p_bible_version_id;
end
$$;

comment on function progress.verses_between(text, text, text) is
'The verses of a canon from one to another in canon order, both included; none where the second
comes before the first or one of them belongs to another canon.';
