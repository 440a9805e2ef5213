"""The statements that fill a world."""

from __future__ import annotations

from typing import LiteralString

HELPERS: LiteralString = """
create schema bench;

-- What a write costs where nothing is watched: one row, in one page.
create table bench.plain (id integer primary key, number bigint not null) with (fillfactor = 50);
insert into bench.plain values (1, 0);

-- The verses by number, so that a client can pick one without a query of its own.
create table bench.verses (number integer primary key, verse_id text not null);
insert into bench.verses
select row_number() over (order by b.book_number, c.chapter_number, v.verse_number), v.id
from public.verses as v
inner join public.chapters as c on v.chapter_id = c.id
inner join public.books as b on c.book_id = b.id;

-- About as long as a verse is.
create function bench.words(p_number integer) returns text
language sql immutable parallel safe
return left(repeat('and the light shineth in the darkness ', 6), 60 + p_number * 37 % 130);
"""

FORGET: LiteralString = "delete from progress.unsettled_change"

ADD_LANGUAGES: LiteralString = """
insert into public.language_entities (name)
select 'Language ' || n from generate_series(1, %(count)s) as n
returning id
"""

ADD_VERSION: dict[str, LiteralString] = {
    "text": """
insert into public.text_versions (id, language_entity_id, bible_version_id, name)
values (%(id)s, %(language)s, %(canon)s, %(name)s)
""",
    "audio": """
insert into public.audio_versions (id, language_entity_id, bible_version_id, name)
values (%(id)s, %(language)s, %(canon)s, %(name)s)
""",
}

# Gaps are drawn by a hash of the verse, so that they are the same in every run.
WRITE_TEXTS: LiteralString = """
insert into public.verse_texts (text_version_id, verse_id, verse_text, publish_status)
select %(id)s, v.id, bench.words(n.number), 'published'
from public.books as b
inner join public.chapters as c on b.id = c.book_id
inner join public.verses as v on c.id = v.chapter_id
inner join bench.verses as n on v.id = n.verse_id
where
    b.book_number between %(first_book)s and %(last_book)s
    and mod(abs(hashtext(v.id)), 100) >= %(missing_percent)s
order by n.number
"""

RECORD: dict[str, LiteralString] = {
    "chapters": """
insert into public.media_files (
    audio_version_id, chapter_id, upload_status, publish_status, original_filename,
    duration_seconds
)
select %(id)s, c.id, 'completed', 'published', c.id || '.mp3', 240
from public.books as b
inner join public.chapters as c on b.id = c.book_id
where
    b.book_number between %(first_book)s and %(last_book)s
    and mod(abs(hashtext(c.id)), 100) >= %(missing_percent)s
order by b.book_number, c.chapter_number
""",
    "ranges": """
insert into public.media_files (
    audio_version_id, chapter_id, start_verse_id, end_verse_id, upload_status, publish_status,
    original_filename, duration_seconds
)
select
    %(id)s, c.id, c.id || '-' || first_verse,
    c.id || '-' || least(first_verse + 4, c.total_verses),
    'completed', 'published', c.id || '-' || first_verse || '.mp3', 40
from public.books as b
inner join public.chapters as c on b.id = c.book_id
cross join generate_series(1, c.total_verses, 5) as first_verse
where
    b.book_number between %(first_book)s and %(last_book)s
    and mod(abs(hashtext(c.id || first_verse)), 100) >= %(missing_percent)s
order by b.book_number, c.chapter_number, first_verse
""",
    # A file a book, and a timing for each of its verses.
    "timings": """
with files as materialized (
    select gen_random_uuid() as id, b.id as book_id
    from public.books as b
    where b.book_number between %(first_book)s and %(last_book)s
),

written as (
    insert into public.media_files (
        id, audio_version_id, upload_status, publish_status, original_filename, duration_seconds
    )
    select f.id, %(id)s, 'completed', 'published', f.book_id || '.mp3', 3600
    from files as f
)

insert into public.media_files_verses (
    media_file_id, verse_id, start_time_seconds, duration_seconds
)
select f.id, v.id, 5 * n.number, 5
from files as f
inner join public.chapters as c on f.book_id = c.book_id
inner join public.verses as v on c.id = v.chapter_id
inner join bench.verses as n on v.id = n.verse_id
where mod(abs(hashtext(v.id)), 100) >= %(missing_percent)s
order by n.number
""",
}

COPY_CONTENT: dict[str, tuple[LiteralString, ...]] = {
    "text": (
        """
insert into public.verse_texts (text_version_id, verse_id, verse_text, publish_status)
select %(id)s, t.verse_id, t.verse_text, t.publish_status
from public.verse_texts as t
where t.text_version_id = %(original)s
""",
    ),
    "audio": (
        """
with files as materialized (
    select gen_random_uuid() as new_id, f.*
    from public.media_files as f
    where f.audio_version_id = %(original)s
),

written as (
    insert into public.media_files (
        id, audio_version_id, chapter_id, start_verse_id, end_verse_id, upload_status,
        publish_status, original_filename, duration_seconds
    )
    select
        f.new_id, %(id)s, f.chapter_id, f.start_verse_id, f.end_verse_id, f.upload_status,
        f.publish_status, f.original_filename, f.duration_seconds
    from files as f
)

insert into public.media_files_verses (
    media_file_id, verse_id, start_time_seconds, duration_seconds
)
select f.new_id, t.verse_id, t.start_time_seconds, t.duration_seconds
from files as f
inner join public.media_files_verses as t on f.id = t.media_file_id
""",
    ),
}

COPY_ROLLUPS: tuple[LiteralString, ...] = (
    """
insert into progress.chapter_bitmap (kind, version_id, chapter_id, covered)
select r.kind, %(id)s, r.chapter_id, r.covered
from progress.chapter_bitmap as r
where r.kind = %(kind)s and r.version_id = %(original)s
""",
    """
insert into progress.book_rollup (
    kind, version_id, book_id, covered_verses, total_verses, chapters_with_any,
    complete_chapters, total_chapters
)
select
    r.kind, %(id)s, r.book_id, r.covered_verses, r.total_verses, r.chapters_with_any,
    r.complete_chapters, r.total_chapters
from progress.book_rollup as r
where r.kind = %(kind)s and r.version_id = %(original)s
""",
    """
insert into progress.version_rollup (
    kind, version_id, covered_verses, total_verses, chapters_with_any, complete_chapters,
    total_chapters, books_complete, total_books, refreshed_at
)
select
    r.kind, %(id)s, r.covered_verses, r.total_verses, r.chapters_with_any, r.complete_chapters,
    r.total_chapters, r.books_complete, r.total_books, r.refreshed_at
from progress.version_rollup as r
where r.kind = %(kind)s and r.version_id = %(original)s
""",
    """
insert into progress.version_history (
    kind, version_id, day, covered_verses, total_verses, chapters_with_any, complete_chapters,
    total_chapters, books_complete, total_books
)
select
    r.kind, %(id)s, r.day, r.covered_verses, r.total_verses, r.chapters_with_any,
    r.complete_chapters, r.total_chapters, r.books_complete, r.total_books
from progress.version_history as r
where r.kind = %(kind)s and r.version_id = %(original)s
""",
)

SIGNAL_VERSION: LiteralString = """
select progress.signal(%(kind)s, array[%(id)s::uuid], array[null::text])
"""

DRAIN: LiteralString = """
select outcome, signals, chapters, rows_changed, lag_seconds, error
from progress.drain_version(%(kind)s, %(id)s)
"""
