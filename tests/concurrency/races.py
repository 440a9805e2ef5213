"""Pairs of statements of which one decides what it concerns by what the other one changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from support.builders import World

Ids = Mapping[str, UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Two statements that run side by side in one small world.

    `<` in them stands for the prefix of that world's canon, %(name)s for what it is made of.
    """

    name: str
    writer: str
    change: str
    before: Callable[[World, Ids, str], object] = lambda world, ids, prefix: None

    def set_up(self, world: World, language: UUID, prefix: str) -> Ids:
        ids = set_up(world, language, prefix)
        self.before(world, ids, prefix)
        return ids


def set_up(world: World, language: UUID, prefix: str) -> Ids:
    """Build a world: a published and a draft file, each with a timing in another chapter."""
    world.canon(prefix + "eng", prefix=prefix)
    world.canon(prefix + "other", {"lev": (2,)}, prefix=prefix)
    audio = world.audio_version(prefix + "eng", language)
    ids = {
        "language": language,
        "audio": audio,
        "audio_2": world.audio_version(prefix + "eng", language),
        "text": world.text_version(prefix + "eng", language),
        "text_of_other": world.text_version(prefix + "other", language),
        "file": world.recording(audio, start=prefix + "gen-1-1"),
        "draft": world.recording(audio, start=prefix + "gen-1-1", publish="pending"),
        # For a version that a statement makes.
        "new": uuid4(),
    }
    world.timings(ids["file"], [prefix + "exod-2-1"])
    world.timings(ids["draft"], [prefix + "exod-2-1"])
    return ids


MOVE_VERSE = "update verses set chapter_id = '<gen-2', verse_number = 9 where id = '<gen-1-3'"
NEW_VERSE = "insert into verses (id, verse_number, chapter_id) values ('<gen-1-4', 4, '<gen-1')"
MOVE_FILE = "update media_files set audio_version_id = %(audio_2)s where id = %(file)s"
PUBLISH = "update media_files set publish_status = 'published' where id = %(draft)s"
WITHDRAW = "update media_files set deleted_at = now() where id = %(file)s"
MOVE_TIMING = "update media_files_verses set verse_id = '<exod-1-1' where media_file_id = "


def timing(file: str, verse: str) -> str:
    return (
        f"insert into media_files_verses (media_file_id, verse_id) values (%({file})s, '{verse}')"
    )


def recording(columns: str, values: str) -> str:
    return (
        f"insert into media_files (audio_version_id, upload_status, publish_status, {columns})"
        f" values (%(audio_2)s, 'completed', 'published', {values})"
    )


def delete_softly(world: World, ids: Ids, prefix: str) -> None:
    world.connection.execute(
        "update audio_versions set deleted_at = now() where id = %(audio)s", ids
    )


RACES = [
    Race(
        name="a version is made while its canon gets a verse",
        writer="insert into text_versions (id, bible_version_id, language_entity_id, name)"
        " values (%(new)s, '<eng', %(language)s, 'New')",
        change=NEW_VERSE,
    ),
    Race(
        name="a version is restored while a chapter of its canon changes its book",
        writer="update audio_versions set deleted_at = null where id = %(audio)s",
        change="update chapters set book_id = '<exod', chapter_number = 9 where id = '<gen-1'",
        before=delete_softly,
    ),
    Race(
        name="a version takes another canon while that canon loses a book",
        writer="update text_versions set bible_version_id = '<eng' where id = %(text_of_other)s",
        change="delete from books where id = '<exod'",
    ),
    Race(
        name="a verse is made while its chapter moves to another canon",
        writer=NEW_VERSE,
        change="update chapters set book_id = '<lev', chapter_number = 7 where id = '<gen-1'",
    ),
    Race(
        name="a text is written while its verse moves to another chapter",
        writer="insert into verse_texts (text_version_id, verse_id, verse_text)"
        " values (%(text)s, '<gen-1-3', 'Words.')",
        change=MOVE_VERSE,
    ),
    Race(
        name="a verse is recorded while it moves to another chapter",
        writer=recording("start_verse_id", "'<gen-1-3'"),
        change=MOVE_VERSE,
    ),
    Race(
        name="a range is recorded while its end moves to another chapter",
        writer=recording("start_verse_id, end_verse_id", "'<gen-1-2', '<gen-1-3'"),
        change=MOVE_VERSE,
    ),
    Race(
        name="a timing is written while its verse moves to another chapter",
        writer=timing("file", "<gen-1-3"),
        change=MOVE_VERSE,
    ),
    Race(
        name="a timing is written in its file's chapter while the file moves to another version",
        writer=timing("file", "<gen-1-2"),
        change=MOVE_FILE,
    ),
    Race(
        name="a timing is written in another chapter while its file moves to another version",
        writer=timing("file", "<exod-1-1"),
        change=MOVE_FILE,
    ),
    Race(
        name="a timing is deleted while its file moves to another version",
        writer="delete from media_files_verses where media_file_id = %(file)s",
        change=MOVE_FILE,
    ),
    Race(
        name="a timing is written in another chapter while its file is published",
        writer=timing("draft", "<exod-1-1"),
        change=PUBLISH,
    ),
    Race(
        name="a timing moves to another chapter while its file is published",
        writer=MOVE_TIMING + "%(draft)s",
        change=PUBLISH,
    ),
    Race(
        name="a timing is written in another chapter while its file is withdrawn",
        writer=timing("file", "<exod-1-1"),
        change=WITHDRAW,
    ),
    Race(
        name="a timing moves to another file while that file is published",
        writer="update media_files_verses set media_file_id = %(draft)s, verse_id = '<exod-1-1'"
        " where media_file_id = %(file)s",
        change=PUBLISH,
    ),
    Race(
        name="a verse moves to another chapter while a file with its timing is published",
        writer=MOVE_VERSE,
        change=PUBLISH,
        before=lambda world, ids, prefix: world.timings(ids["draft"], [prefix + "gen-1-3"]),
    ),
]
