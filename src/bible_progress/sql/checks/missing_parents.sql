-- title: rows that name what is not there
-- severity: warning
-- when: sound host
-- why: They count nothing.
-- fix: Delete them or correct what they name, then add the foreign key.
select 'book ' || x.id || ': bible_version_id ' || x.bible_version_id || ' is not there' as finding
from public.books as x
where
    x.bible_version_id is not null
    and not exists (
        select
        from public.bible_versions as p
        where p.id = x.bible_version_id
    )
union all
select 'chapter ' || x.id || ': book_id ' || x.book_id || ' is not there' as finding
from public.chapters as x
where
    x.book_id is not null
    and not exists (
        select
        from public.books as p
        where p.id = x.book_id
    )
union all
select 'verse ' || x.id || ': chapter_id ' || x.chapter_id || ' is not there' as finding
from public.verses as x
where
    x.chapter_id is not null
    and not exists (
        select
        from public.chapters as p
        where p.id = x.chapter_id
    )
union all
select
    'recording ' || x.id || ': audio_version_id ' || x.audio_version_id || ' is not there'
        as finding
from public.media_files as x
where
    x.audio_version_id is not null
    and x.deleted_at is null
    and not exists (
        select
        from public.audio_versions as p
        where p.id = x.audio_version_id
    )
union all
select 'recording ' || x.id || ': chapter_id ' || x.chapter_id || ' is not there' as finding
from public.media_files as x
where
    x.chapter_id is not null
    and x.deleted_at is null
    and not exists (
        select
        from public.chapters as p
        where p.id = x.chapter_id
    )
union all
select 'recording ' || x.id || ': start_verse_id ' || x.start_verse_id || ' is not there' as finding
from public.media_files as x
where
    x.start_verse_id is not null
    and x.deleted_at is null
    and not exists (
        select
        from public.verses as p
        where p.id = x.start_verse_id
    )
union all
select 'recording ' || x.id || ': end_verse_id ' || x.end_verse_id || ' is not there' as finding
from public.media_files as x
where
    x.end_verse_id is not null
    and x.deleted_at is null
    and not exists (
        select
        from public.verses as p
        where p.id = x.end_verse_id
    )
union all
select 'timing ' || x.id || ': media_file_id ' || x.media_file_id || ' is not there' as finding
from public.media_files_verses as x
where
    x.media_file_id is not null
    and x.deleted_at is null
    and not exists (
        select
        from public.media_files as p
        where p.id = x.media_file_id
    )
union all
select 'timing ' || x.id || ': verse_id ' || x.verse_id || ' is not there' as finding
from public.media_files_verses as x
where
    x.verse_id is not null
    and x.deleted_at is null
    and not exists (
        select
        from public.verses as p
        where p.id = x.verse_id
    )
union all
select 'text ' || x.id || ': text_version_id ' || x.text_version_id || ' is not there' as finding
from public.verse_texts as x
where
    x.text_version_id is not null
    and x.deleted_at is null
    and not exists (
        select
        from public.text_versions as p
        where p.id = x.text_version_id
    )
union all
select 'text ' || x.id || ': verse_id ' || x.verse_id || ' is not there' as finding
from public.verse_texts as x
where
    x.verse_id is not null
    and x.deleted_at is null
    and not exists (
        select
        from public.verses as p
        where p.id = x.verse_id
    )
order by finding;
