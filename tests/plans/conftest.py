"""One database of a realistic shape, filled once: big enough for an index to be worth it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from library import BOOKS, CHAPTERS, LANGUAGES, NEW_VERSIONS, VERSES, VERSIONS, Library
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from support import oracle

_CANON = """
insert into bible_versions (id, name) values ('eng', 'English');
insert into language_entities (name)
select 'Language ' || n from generate_series(1, %(languages)s) as n;
insert into books (id, name, book_number, bible_version_id)
select 'b' || b, 'Book', b, 'eng' from generate_series(1, %(books)s) as b;
insert into chapters (id, chapter_number, book_id)
select k.id || '-' || c, c, k.id from books as k, generate_series(1, %(chapters)s) as c;
insert into verses (id, verse_number, chapter_id)
select c.id || '-' || v, v, c.id from chapters as c, generate_series(1, %(verses)s) as v;
"""

# Every version has most of the canon; files are whole chapters, and each twelfth a range.
_CONTENT = """
insert into text_versions (language_entity_id, bible_version_id, name)
select l.id, 'eng', 'Text' from language_entities as l, generate_series(1, %(each)s);
insert into audio_versions (language_entity_id, bible_version_id, name)
select l.id, 'eng', 'Recording' from language_entities as l, generate_series(1, %(each)s);
insert into verse_texts (text_version_id, verse_id, verse_text)
select t.id, v.id, 'Words.' from text_versions as t, verses as v where v.verse_number < %(verses)s;
insert into media_files
(audio_version_id, chapter_id, start_verse_id, end_verse_id, upload_status, publish_status)
select
    a.id, c.id,
    case when c.chapter_number = 3 then c.id || '-2' end,
    case when c.chapter_number = 3 then c.id || '-9' end,
    'completed', 'published'
from audio_versions as a, chapters as c where c.chapter_number < %(chapters)s;
insert into media_files_verses (media_file_id, verse_id)
select f.id, f.chapter_id || '-' || v from media_files as f, generate_series(1, 2) as v;
-- Many more that have nothing yet, so that no table of versions is too small for its index.
with new as (
    insert into language_entities (name)
    select 'New ' || n from generate_series(1, %(new)s) as n returning id
),
text as (
    insert into text_versions (language_entity_id, bible_version_id, name)
    select id, 'eng', 'New' from new
)
insert into audio_versions (language_entity_id, bible_version_id, name)
select id, 'eng', 'New' from new;
-- And old ones, deleted before anything was installed.
insert into text_versions (language_entity_id, bible_version_id, name, deleted_at)
select l.id, 'eng', 'Old', now() from language_entities as l, generate_series(1, 8);
insert into audio_versions (language_entity_id, bible_version_id, name, deleted_at)
select l.id, 'eng', 'Old', now() from language_entities as l, generate_series(1, 8);
delete from progress_refresh_queue as q where not exists (
    select from progress.versions as v where v.version_id = q.version_id
);
delete from progress.unsettled_change;
"""


@pytest.fixture(scope="session")
def library_url(server: str, template: str) -> Iterator[str]:
    name = f"{template}_library"
    numbers = {
        "languages": LANGUAGES,
        "books": BOOKS,
        "chapters": CHAPTERS,
        "verses": VERSES,
        "each": VERSIONS // LANGUAGES,
        "new": NEW_VERSIONS,
    }
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        url = make_conninfo(server, dbname=name)
        with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as filling:
            filling.execute(_CANON, numbers)
            filling.execute(_CONTENT, numbers)
            filling.execute("analyze")
            oracle.drain(filling)
            # Pages are in memory here, as they are on a host; the default is for spinning disks.
            filling.execute(
                sql.SQL("alter database {} set random_page_cost = 1.1").format(sql.Identifier(name))
            )
            # So that index-only scans and estimates are what they are in a database at rest.
            filling.execute("vacuum analyze")
        yield url
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def library(library_url: str) -> Iterator[Library]:
    with _opened(library_url) as opened:
        yield opened


@pytest.fixture
def own_library(server: str, library_url: str) -> Iterator[Library]:
    """A copy to write much in: even rolled back, that makes tables longer and changes plans."""
    source = str(conninfo_to_dict(library_url)["dbname"])
    name = f"{source}_own"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(source)
            )
        )
        try:
            with _opened(make_conninfo(server, dbname=name)) as opened:
                yield opened
        finally:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@contextmanager
def _opened(url: str) -> Iterator[Library]:
    with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
        row = connection.execute(
            "select (select id from text_versions where name = 'Text' order by id limit 1),"
            " (select id from audio_versions where name = 'Recording' order by id limit 1),"
            " (select id from language_entities where name = 'Language 1')"
        ).fetchone()
        assert row is not None
        yield Library(connection=connection, text=row[0], audio=row[1], language=row[2])
        connection.rollback()
