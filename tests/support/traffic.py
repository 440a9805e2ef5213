"""Random work on a small world: everything that a host does to its tables, drawn from a seed.

Every id that may ever exist is listed here, so a statement needs no look at the database: on rows
that are not there just now it does nothing, or fails as it would for a host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from .builders import World

BOOKS = {"eng": {"gen": (3, 2), "exod": (4, 2)}, "other": {"lev": (3, 1), "num": (2, 2)}}
_BOOKS = [book for books in BOOKS.values() for book in books]
# One chapter a book and one verse a chapter more than there are at first.
_CHAPTERS = [f"{book}-{n}" for book in _BOOKS for n in (1, 2, 3)]
_VERSES = [f"{chapter}-{n}" for chapter in _CHAPTERS for n in (1, 2, 3, 4, 5)]
_LANGUAGES = [UUID(int=n) for n in (1, 2)]
_TEXT_VERSIONS = [UUID(int=n) for n in range(11, 16)]
_AUDIO_VERSIONS = [UUID(int=n) for n in range(21, 26)]
_FILES = [UUID(int=n) for n in range(100, 116)]

COPY = "copy verse_texts (text_version_id, verse_id, verse_text) from stdin"

_TEXTS = """from text_versions as tv cross join verses as v
    where tv.id = %(text_version)s and v.id = any(%(verses)s)"""
_FILE = """from (values (1)) as one
    left join audio_versions as av on av.id = %(audio_version)s
    left join chapters as c on c.id = %(file_chapter)s
    left join verses as s on s.id = %(start)s
    left join verses as e on s.id is not null and e.id = %(end)s"""

# What writers do, and how often.
OPERATIONS: dict[str, int] = {
    f"""insert into verse_texts (text_version_id, verse_id, verse_text)
    select tv.id, v.id, %(text)s {_TEXTS} order by v.id
    on conflict (text_version_id, verse_id)
    do update set verse_text = excluded.verse_text, deleted_at = null""": 10,
    f"""merge into verse_texts as t using (select tv.id as version_id, v.id as verse_id {_TEXTS}) as s
    on t.text_version_id = s.version_id and t.verse_id = s.verse_id
    when matched and t.verse_text = 'Words.' then delete
    when matched then update set verse_text = 'Words.'
    when not matched then insert (text_version_id, verse_id, verse_text)
    values (s.version_id, s.verse_id, %(text)s)""": 3,
    COPY: 2,
    """update verse_texts set verse_text = %(text)s, deleted_at = %(deleted_at)s
    where text_version_id = %(text_version)s and verse_id = any(%(verses)s)""": 5,
    """update verse_texts set text_version_id = %(text_version_2)s
    where text_version_id = %(text_version)s and verse_id = any(%(verses)s)""": 3,
    """update verse_texts set verse_id = %(verse_2)s
    where text_version_id = %(text_version)s and verse_id = %(verse)s""": 3,
    """delete from verse_texts
    where text_version_id = %(text_version)s and verse_id = any(%(verses)s)""": 3,
    f"""insert into media_files (id, audio_version_id, chapter_id, start_verse_id, end_verse_id,
    upload_status, publish_status)
    select %(file)s, av.id, c.id, s.id, e.id, 'completed', %(publish)s {_FILE}
    on conflict (id) do update set chapter_id = excluded.chapter_id,
    start_verse_id = excluded.start_verse_id, end_verse_id = excluded.end_verse_id""": 8,
    """update media_files set publish_status = %(publish)s, deleted_at = %(deleted_at)s
    where id = any(%(files)s)""": 6,
    """update media_files set audio_version_id =
    (select av.id from audio_versions as av where av.id = %(audio_version)s)
    where id = any(%(files)s)""": 4,
    f"""update media_files as f set audio_version_id = av.id, chapter_id = c.id,
    start_verse_id = s.id, end_verse_id = e.id, publish_status = %(publish)s
    {_FILE} where f.id = %(file)s""": 4,
    "delete from media_files where id = %(file)s": 3,
    """insert into media_files_verses (media_file_id, verse_id)
    select f.id, v.id from media_files as f cross join verses as v
    where f.id = %(file)s and v.id = any(%(verses)s) order by v.id
    on conflict (media_file_id, verse_id) do update set deleted_at = null""": 8,
    """update media_files_verses set verse_id = %(verse_2)s
    where media_file_id = %(file)s and verse_id = %(verse)s""": 3,
    """update media_files_verses set verse_id = %(verse_2)s
    where id in (select id from media_files_verses where media_file_id = %(file)s limit 1)""": 3,
    """update media_files_verses set media_file_id = %(file_2)s
    where media_file_id = %(file)s and verse_id = any(%(verses)s)""": 3,
    """update media_files_verses set deleted_at = %(deleted_at)s
    where media_file_id = any(%(files)s)""": 4,
    "delete from media_files_verses where media_file_id = %(file)s and verse_id = %(verse)s": 3,
    """insert into text_versions (id, bible_version_id, language_entity_id, name)
    values (%(text_version)s, %(canon)s, %(language)s, 'A text') on conflict do nothing""": 3,
    """insert into audio_versions (id, bible_version_id, language_entity_id, name)
    values (%(audio_version)s, %(canon)s, %(language)s, 'A recording') on conflict do nothing""": 3,
    "update text_versions set deleted_at = %(deleted_at)s where id = %(text_version)s": 2,
    "update audio_versions set deleted_at = %(deleted_at)s where id = %(audio_version)s": 2,
    "update text_versions set bible_version_id = %(canon)s where id = %(text_version)s": 1,
    "update audio_versions set bible_version_id = %(canon)s where id = %(audio_version)s": 1,
    "update audio_versions set language_entity_id = %(language)s where id = %(audio_version)s": 1,
    "delete from text_versions where id = %(text_version)s": 1,
    "delete from audio_versions where id = %(audio_version)s": 1,
    """insert into verses (id, verse_number, chapter_id)
    select %(verse)s, %(number)s, c.id from chapters as c where c.id = %(chapter)s
    on conflict do nothing""": 4,
    "delete from verses where id = %(verse)s": 1,
    "update verses set verse_number = %(number)s where id = %(verse)s": 2,
    """update verses set chapter_id = c.id, verse_number = %(number)s
    from chapters as c where verses.id = %(verse)s and c.id = %(chapter)s""": 3,
    """insert into chapters (id, chapter_number, book_id)
    select %(chapter)s, %(number)s, b.id from books as b where b.id = %(book)s
    on conflict do nothing""": 2,
    "delete from chapters where id = %(chapter)s and chapter_number > 2": 1,
    "update chapters set chapter_number = %(number)s where id = %(chapter)s": 1,
    """update chapters set book_id = b.id from books as b
    where chapters.id = %(chapter)s and b.id = %(book)s""": 2,
    "update books set book_number = %(number)s where id = %(book)s": 1,
    "update books set bible_version_id = %(canon)s where id = %(book)s": 1,
}


def build(world: World) -> None:
    """Make the world that traffic starts from."""
    for canon, books in BOOKS.items():
        world.canon(canon, books)
    # Places without verses, as introductions are.
    world.connection.execute(
        "insert into books (id, name, book_number, bible_version_id)"
        " values ('front', 'Front', 0, 'eng')"
    )
    world.connection.execute(
        "insert into chapters (id, chapter_number, book_id) values ('gen-0', 0, 'gen')"
    )
    for language in _LANGUAGES:
        world.connection.execute(
            "insert into language_entities (id, name) values (%s, 'A language')", [language]
        )
    random = Random(0)
    for n, (text_version, audio_version) in enumerate(zip(_TEXT_VERSIONS, _AUDIO_VERSIONS)):
        values = {"text_version": text_version, "audio_version": audio_version}
        values |= {"canon": "other" if n == 3 else "eng", "language": _LANGUAGES[n % 2]}
        for operation in OPERATIONS:
            if "_versions (id" in operation and n < 4:
                world.connection.execute(operation.encode(), values)
    refill(world.connection, random, 40)


def refill(connection: Connection[Any], random: Random, times: int, share: float = 1.0) -> None:
    """Add what was deleted, so that there is something to lose."""
    restoring = [operation for operation in OPERATIONS if operation.startswith("insert")]
    for _ in range(times):
        for operation in restoring:
            values = draw(random, share) | {"canon": "eng", "text": "Words."}
            connection.execute(operation.encode(), values | {"publish": "published"})
    connection.execute("update text_versions set deleted_at = null where deleted_at is not null")
    connection.execute("update audio_versions set deleted_at = null where deleted_at is not null")


def draw(random: Random, share: float = 1.0) -> dict[str, Any]:
    """Return values for every parameter of OPERATIONS, from a share of what there is."""

    def some(pool: list[Any]) -> list[Any]:
        return pool[: max(2, round(len(pool) * share))]

    chapter = random.choice(some(_CHAPTERS))
    start = random.choice(some(_VERSES))
    return {
        "language": random.choice(_LANGUAGES),
        # Mostly where the versions are that the traffic starts with, so that something counts.
        "canon": random.choice(("eng", "eng", "eng", "other")),
        "book": random.choice(some(_BOOKS)),
        "chapter": chapter,
        "verse": random.choice(some(_VERSES)),
        "verse_2": random.choice(some(_VERSES)),
        "verses": random.sample(some(_VERSES), random.choice((1, 1, 2, 5, round(20 * share)))),
        "number": random.randint(1, 5),
        "text_version": random.choice(some(_TEXT_VERSIONS)),
        "text_version_2": random.choice(some(_TEXT_VERSIONS)),
        "audio_version": random.choice(some(_AUDIO_VERSIONS)),
        "file": random.choice(some(_FILES)),
        "file_2": random.choice(some(_FILES)),
        "files": random.sample(some(_FILES), random.choice((1, 1, 2))),
        # A whole chapter; one verse; a range, which may be reversed or cross anything.
        "file_chapter": random.choice((None, chapter, chapter)),
        "start": random.choice((None, start)),
        "end": random.choice((None, start[:-1] + "3", random.choice(some(_VERSES)))),
        "text": random.choice(("Words.", "Words.", "Other words.", " ", None)),
        "publish": random.choice(("published", "published", "pending")),
        "deleted_at": random.choice((None, None, None, "2026-01-01")),
    }


def spelled(statement: str, values: dict[str, Any]) -> str:
    """Return a statement with its values in one line, for people."""

    def value(name: re.Match[str]) -> str:
        return repr(values[name[1]]).replace("UUID('00000000-0000-0000-0000-0000000000", "('..")

    return " ".join(re.sub(r"%\((\w+)\)s", value, statement).split())


@dataclass(frozen=True, slots=True)
class Work:
    """One transaction: what it runs, and how it ends."""

    isolation: str
    statements: list[tuple[str, dict[str, Any]]]
    # After which statements a savepoint is rolled back.
    undone: frozenset[int]
    commits: bool
    reads_own_writes: bool

    def __str__(self) -> str:
        undone = f", undone: {sorted(self.undone)}" if self.undone else ""
        lines = [spelled(statement, values) for statement, values in self.statements]
        return f"{self.isolation}{undone}: {'; '.join(lines)}"

    def run(self, connection: Connection[Any]) -> Iterator[None]:
        """Begin and run everything but the end, giving control back after every statement."""
        connection.execute(f"begin isolation level {self.isolation}".encode())
        for at, (statement, parameters) in enumerate(self.statements):
            if at in self.undone:
                connection.execute("savepoint a")
            _execute(connection, statement, parameters)
            if at in self.undone:
                connection.execute("rollback to savepoint a")
            yield


def work(random: Random) -> Work:
    """Draw one transaction."""
    count = random.choice((1, 1, 1, 2, 3, 5))
    drawn = random.choices(list(OPERATIONS), list(OPERATIONS.values()), k=count)
    isolation = random.choice(
        ("read committed",) * 7 + ("repeatable read",) * 2 + ("serializable",)
    )
    return Work(
        isolation=isolation,
        statements=[(statement, draw(random)) for statement in drawn],
        undone=frozenset(at for at in range(count) if random.random() < 0.1),
        commits=random.random() < 0.85,
        # An old snapshot shows a row that others deleted beside the one that this transaction
        # inserted for the same key: such a read tells nothing about us.
        reads_own_writes=isolation == "read committed" and random.random() < 0.004,
    )


def _execute(connection: Connection[Any], statement: str, parameters: dict[str, Any]) -> None:
    if statement != COPY:
        connection.execute(statement.encode(), parameters)
        return
    version, verses = parameters["text_version"], parameters["verses"]
    rows = connection.execute(
        "select v.id from verses as v cross join text_versions as tv"
        " where v.id = any(%s) and tv.id = %s and not exists (select from verse_texts as t"
        " where t.verse_id = v.id and t.text_version_id = tv.id)",
        [verses, version],
    ).fetchall()
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for (verse,) in rows:
            copy.write_row((version, verse, parameters["text"]))


def is_refusal(error: psycopg.Error, isolation: str) -> bool:
    """Whether a host has to live with this error of a concurrent write, Bible Progress or not."""
    refusals = {
        "40P01",  # deadlock
        "40001",  # serialization failure
        "55P03",  # lock timeout
        "23503",  # foreign key
        "23505",  # unique
    }
    if isolation != "read committed":
        # An upsert that reads a key twice: the row that others deleted, and its own.
        refusals.add("21000")
    return error.sqlstate in refusals
