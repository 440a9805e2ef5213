-- A range runs in canon order: book, chapter, verse by their number columns; where two books or
-- two chapters share a number their ids decide. The two range arms differ only in speed: nearly
-- every range stays inside one chapter, and that case must not compare a range with every verse.
create view public.audio_verse_coverage
with (security_invoker = true) as
with recordings as not materialized (
    select
        f.id,
        f.audio_version_id,
        f.chapter_id,
        f.start_verse_id,
        coalesce(f.end_verse_id, f.start_verse_id) as end_verse_id,
        av.bible_version_id
    from public.media_files as f
    inner join public.audio_versions as av on f.audio_version_id = av.id
    where
        av.deleted_at is null
        and progress.media_counts(
            f.media_type::text,
            f.is_bible_audio,
            f.upload_status::text,
            f.publish_status::text,
            f.deleted_at
        )
)

-- A whole chapter.
select
    r.audio_version_id,
    v.id as verse_id,
    v.chapter_id
from recordings as r
inner join progress.canon_chapters as c
    on
        r.chapter_id = c.chapter_id
        and r.bible_version_id = c.bible_version_id
inner join public.verses as v on c.chapter_id = v.chapter_id
where r.start_verse_id is null
union
-- A range inside one chapter.
select
    r.audio_version_id,
    v.id as verse_id,
    v.chapter_id
from recordings as r
inner join public.verses as first_verse on r.start_verse_id = first_verse.id
inner join public.verses as last_verse
    on
        r.end_verse_id = last_verse.id
        and first_verse.chapter_id = last_verse.chapter_id
inner join progress.canon_chapters as c
    on
        first_verse.chapter_id = c.chapter_id
        and r.bible_version_id = c.bible_version_id
inner join public.verses as v
    on
        c.chapter_id = v.chapter_id
        and v.verse_number between first_verse.verse_number and last_verse.verse_number
union
-- A range that crosses chapters.
select
    r.audio_version_id,
    v.id as verse_id,
    v.chapter_id
from recordings as r
inner join public.verses as first_verse on r.start_verse_id = first_verse.id
inner join public.verses as last_verse
    on
        r.end_verse_id = last_verse.id
        and first_verse.chapter_id <> last_verse.chapter_id
inner join progress.canon_chapters as first_chapter
    on
        first_verse.chapter_id = first_chapter.chapter_id
        and r.bible_version_id = first_chapter.bible_version_id
inner join progress.canon_chapters as last_chapter
    on
        last_verse.chapter_id = last_chapter.chapter_id
        and r.bible_version_id = last_chapter.bible_version_id
inner join progress.canon_chapters as c
    on
        r.bible_version_id = c.bible_version_id
        and (c.book_number, c.book_id, c.chapter_number, c.chapter_id)
        between (
            first_chapter.book_number,
            first_chapter.book_id,
            first_chapter.chapter_number,
            first_chapter.chapter_id
        )
        and (
            last_chapter.book_number,
            last_chapter.book_id,
            last_chapter.chapter_number,
            last_chapter.chapter_id
        )
inner join public.verses as v
    on
        c.chapter_id = v.chapter_id
        and (first_verse.chapter_id <> c.chapter_id or first_verse.verse_number <= v.verse_number)
        and (last_verse.chapter_id <> c.chapter_id or last_verse.verse_number >= v.verse_number)
-- Implied by the joins; said so that the index on start_verse_id passes over whole chapters.
where r.start_verse_id is not null
union
-- Verses with timings of their own.
select
    r.audio_version_id,
    v.id as verse_id,
    v.chapter_id
from recordings as r
inner join public.media_files_verses as t on r.id = t.media_file_id
inner join public.verses as v on t.verse_id = v.id
inner join progress.canon_chapters as c
    on
        v.chapter_id = c.chapter_id
        and r.bible_version_id = c.bible_version_id
where t.deleted_at is null;

comment on view public.audio_verse_coverage is
'The verses that an audio version has: by whole chapters, verse ranges and verse timings of its
published recordings, in its own canon.';
