"""Every kind of edit that a host can make, as statements over a small pool of ids.

Each statement does nothing where what it names is not there just now, so that any order of edits
is possible. Ids are fixed, because a failing sequence must be the same when it is run again.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from psycopg import Connection

Edit = tuple[str, dict[str, Any]]

CANONS = ("eng", "vul")
# `front` has no chapters at first, and chapters 0 have no verses: introductions.
BOOKS = [prefix + book for prefix in ("", "v-") for book in ("gen", "exod", "front")]
CHAPTERS = [
    f"{prefix}{book}-{chapter}"
    for prefix in ("", "v-")
    for book in ("gen", "exod")
    for chapter in (0, 1, 2)
]
VERSES = [f"{chapter}-{verse}" for chapter in CHAPTERS if chapter[-1] != "0" for verse in (1, 2, 3)]
TEXTS = [UUID(int=n) for n in (1, 2, 3)]
AUDIOS = [UUID(int=n) for n in (11, 12, 13)]
FILES = [UUID(int=n) for n in range(21, 26)]
LANGUAGES = [UUID(int=n) for n in (31, 32)]

# Not every verse of the pool is there from the start.
_START = """
insert into bible_versions (id, name) values ('eng', 'English'), ('vul', 'Vulgate');
insert into language_entities (id, name) values
    ('00000000-0000-0000-0000-00000000001f', 'One'),
    ('00000000-0000-0000-0000-000000000020', 'Two');
insert into books (id, name, book_number, bible_version_id)
select p || b, b, n, c
from (values ('', 'eng'), ('v-', 'vul')) as canon (p, c),
    (values ('front', 0), ('gen', 1), ('exod', 2)) as book (b, n);
insert into chapters (id, chapter_number, book_id)
select b.id || '-' || n, n, b.id from books as b, generate_series(0, 2) as n
where b.book_number > 0;
insert into verses (id, verse_number, chapter_id)
select c.id || '-' || n, n, c.id from chapters as c, generate_series(1, 2) as n
where c.chapter_number > 0;
alter table text_versions alter created_at drop not null;
alter table audio_versions alter created_at drop not null;
"""

_PARAMETERS: dict[str, st.SearchStrategy[Any]] = {
    "text": st.sampled_from(TEXTS),
    "texts": st.lists(st.sampled_from(TEXTS), min_size=1, max_size=2, unique=True),
    "audio": st.sampled_from(AUDIOS),
    "maybe_audio": st.sampled_from([*AUDIOS, *AUDIOS, None]),
    "file": st.sampled_from(FILES),
    "other_file": st.sampled_from(FILES),
    "language": st.sampled_from(LANGUAGES),
    "canon": st.sampled_from(CANONS),
    "book": st.sampled_from(BOOKS),
    "chapter": st.sampled_from(CHAPTERS),
    "maybe_chapter": st.sampled_from([*CHAPTERS, None]),
    "verse": st.sampled_from(VERSES),
    "other_verse": st.sampled_from(VERSES),
    "maybe_verse": st.sampled_from([*VERSES, None]),
    "verses": st.lists(st.sampled_from(VERSES), min_size=1, max_size=6, unique=True),
    "words": st.sampled_from(["Words.", "v", "", " \u00a0\u200f", "[ … ]", None]),
    "number": st.integers(1, 4),
    "year": st.sampled_from([2020, 2021, 2022, None]),
}

_TEXTS = [
    "insert into verse_texts (text_version_id, verse_id, verse_text)"
    " select t.id, v.id, %(words)s from text_versions t, verses v"
    " where t.id = any(%(texts)s) and v.id = any(%(verses)s)"
    " on conflict (text_version_id, verse_id)"
    " do update set verse_text = excluded.verse_text, deleted_at = null",
    "insert into verse_texts (text_version_id, verse_id, verse_text)"
    " select t.id, v.id, 'Words.' from text_versions t, verses v"
    " where t.id = %(text)s and v.chapter_id = %(chapter)s"
    " on conflict (text_version_id, verse_id) do nothing",
    "update verse_texts set verse_text = %(words)s where verse_id = any(%(verses)s)",
    "update verse_texts set deleted_at = now() where verse_id = any(%(verses)s)",
    "update verse_texts set deleted_at = null where text_version_id = %(text)s",
    "update verse_texts t set verse_id = v.id from verses v where v.id = %(verse)s"
    " and t.text_version_id = %(text)s and t.verse_id = %(other_verse)s and not exists"
    " (select from verse_texts o where o.text_version_id = %(text)s and o.verse_id = v.id)",
    "update verse_texts t set text_version_id = n.id from text_versions n where n.id = %(text)s"
    " and t.verse_id = any(%(verses)s) and t.text_version_id = (select min(x.id::text)::uuid"
    " from text_versions x where x.id <> n.id) and not exists"
    " (select from verse_texts o where o.text_version_id = n.id and o.verse_id = t.verse_id)",
    "delete from verse_texts where text_version_id = %(text)s and verse_id = any(%(verses)s)",
    "merge into verse_texts t using (select id from verses where id = any(%(verses)s)) v"
    " on t.verse_id = v.id and t.text_version_id = %(text)s"
    " when matched and t.deleted_at is not null then delete"
    " when matched then update set verse_text = %(words)s",
]

_PLACE = (
    "(select id from chapters where id = %(maybe_chapter)s), s.id,"
    " case when s.id is not null then (select id from verses where id = %(other_verse)s) end"
)
_FILES = [
    # Twice as likely: the other edits need files to work on.
    *(
        "insert into media_files (id, audio_version_id, chapter_id, start_verse_id, end_verse_id,"
        " upload_status, publish_status)"
        " select %(file)s, (select id from audio_versions where id = %(maybe_audio)s),"
        f" {_PLACE}, 'completed', '{status}'"
        " from (select (select id from verses where id = %(maybe_verse)s) as id) s"
        " on conflict (id) do update set audio_version_id = excluded.audio_version_id,"
        " chapter_id = excluded.chapter_id, start_verse_id = excluded.start_verse_id,"
        " end_verse_id = excluded.end_verse_id, publish_status = excluded.publish_status"
        for status in ("published", "pending")
    ),
    "update media_files set publish_status = 'published' where id = %(file)s",
    "update media_files set publish_status = 'archived' where id = %(file)s",
    "update media_files set is_bible_audio = not is_bible_audio where id = %(file)s",
    "update media_files set upload_status = case upload_status when 'completed' then 'failed'"
    " else 'completed' end where id in (%(file)s, %(other_file)s)",
    "update media_files set deleted_at = now() where id = %(file)s",
    "update media_files set deleted_at = null",
    "update media_files set chapter_id = c.id, start_verse_id = null, end_verse_id = null"
    " from chapters c where c.id = %(chapter)s and media_files.id = %(file)s",
    "update media_files set end_verse_id = v.id from verses v"
    " where v.id = %(verse)s and media_files.id = %(file)s and start_verse_id is not null",
    "update media_files set audio_version_id = (select id from audio_versions"
    " where id = %(maybe_audio)s) where id in (%(file)s, %(other_file)s)",
    "delete from media_files where id = %(file)s",
]

_TIMINGS = [
    "insert into media_files_verses (media_file_id, verse_id)"
    " select f.id, v.id from media_files f, verses v"
    " where f.id = %(file)s and v.id = any(%(verses)s)"
    " on conflict (media_file_id, verse_id) do update set deleted_at = null",
    "update media_files_verses set deleted_at = now() where verse_id = any(%(verses)s)",
    "update media_files_verses set deleted_at = null where media_file_id = %(file)s",
    "update media_files_verses t set verse_id = v.id from verses v where v.id = %(verse)s"
    " and t.media_file_id = %(file)s and t.verse_id = %(other_verse)s and not exists"
    " (select from media_files_verses o where o.media_file_id = %(file)s and o.verse_id = v.id)",
    "update media_files_verses t set media_file_id = f.id from media_files f"
    " where f.id = %(file)s and t.media_file_id = %(other_file)s and t.verse_id = any(%(verses)s)"
    " and not exists (select from media_files_verses o"
    " where o.media_file_id = f.id and o.verse_id = t.verse_id)",
    "delete from media_files_verses where media_file_id = %(file)s",
    "delete from media_files_verses where verse_id = any(%(verses)s)",
]


def _of_both_kinds(statement: str) -> list[str]:
    return [
        statement.replace("VERSIONS", f"{kind}_versions").replace("%(version)s", f"%({kind})s")
        for kind in ("text", "audio")
    ]


_VERSIONS = [
    edit
    for statement in (
        "insert into VERSIONS (id, language_entity_id, bible_version_id, name)"
        " select %(version)s, l.id, c.id, 'Again' from language_entities l, bible_versions c"
        " where l.id = %(language)s and c.id = %(canon)s"
        " on conflict (id) do update set deleted_at = null",
        "update VERSIONS set deleted_at = now() where id = %(version)s",
        "update VERSIONS set deleted_at = null",
        "update VERSIONS set bible_version_id = c.id from bible_versions c"
        " where c.id = %(canon)s and VERSIONS.id = %(version)s",
        "update VERSIONS set language_entity_id = l.id from language_entities l"
        " where l.id = %(language)s and VERSIONS.id = %(version)s",
        "update VERSIONS set created_at = make_timestamptz(%(year)s, 1, 1, 0, 0, 0)"
        " where id = %(version)s",
        "delete from VERSIONS where id = %(version)s",
    )
    for edit in _of_both_kinds(statement)
]

_CANON = [
    "insert into verses (id, verse_number, chapter_id) select %(verse)s, %(number)s, id"
    " from chapters where id = %(chapter)s"
    " on conflict (id) do update set chapter_id = excluded.chapter_id",
    "update verses set verse_number = %(number)s where id = any(%(verses)s)",
    "update verses set chapter_id = c.id from chapters c"
    " where c.id = %(chapter)s and verses.id = any(%(verses)s)",
    "delete from verses where id = %(verse)s",
    "insert into chapters (id, chapter_number, book_id) select %(chapter)s, %(number)s, id"
    " from books where id = %(book)s on conflict (id) do update set book_id = excluded.book_id",
    "update chapters set chapter_number = %(number)s, total_verses = 99 where id = %(chapter)s",
    "update chapters set chapter_number = 3 - chapter_number where book_id = %(book)s",
    "delete from chapters where id = %(chapter)s",
    "insert into books (id, name, book_number, bible_version_id)"
    " select %(book)s, 'Again', %(number)s, id from bible_versions where id = %(canon)s"
    " on conflict (id) do update set bible_version_id = excluded.bible_version_id",
    "update books set book_number = %(number)s where id = %(book)s",
    "delete from books where id = %(book)s",
]

_PARENTS = [
    "insert into bible_versions (id, name) values (%(canon)s, 'Again') on conflict do nothing",
    "insert into language_entities (id, name) values (%(language)s, 'Again')"
    " on conflict do nothing",
    "delete from bible_versions where id = %(canon)s",
    "delete from language_entities where id = %(language)s",
    "truncate verse_texts",
    "truncate media_files_verses",
    "truncate media_files cascade",
]


def _edits(statements: list[str]) -> st.SearchStrategy[Edit]:
    return st.one_of(
        st.tuples(
            st.just(statement),
            st.fixed_dictionaries(
                {name: _PARAMETERS[name] for name in re.findall(r"%\((\w+)\)s", statement)}
            ),
        )
        for statement in statements
    )


texts = _edits(_TEXTS)
files = _edits(_FILES)
timings = _edits(_TIMINGS)
versions = _edits(_VERSIONS)
canon = _edits(_CANON)
parents = _edits(_PARENTS)


def start(connection: Connection[Any]) -> None:
    """Make two canons, two texts, two recordings and a file, all within the pool."""
    connection.execute(_START)
    for kind, pool in (("text", TEXTS), ("audio", AUDIOS)):
        for version, canon_id in zip(pool, CANONS, strict=False):
            connection.execute(
                f"insert into {kind}_versions (id, language_entity_id, bible_version_id, name)"  # type: ignore[arg-type]
                " values (%s, %s, %s, 'First')",
                [version, LANGUAGES[0], canon_id],
            )
    connection.execute(
        "insert into media_files (id, audio_version_id, chapter_id, upload_status, publish_status)"
        " values (%s, %s, 'gen-1', 'completed', 'published')",
        [FILES[0], AUDIOS[0]],
    )
