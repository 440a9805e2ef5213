"""Small worlds of canons, versions, texts and recordings, one step a call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection

# Two books, four chapters, eleven verses: enough for ranges that cross chapters and books.
SMALL: Mapping[str, Sequence[int]] = {"gen": (3, 2), "exod": (4, 2)}


class World:
    """Writes into the host tables through one connection; never commits."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection

    def canon(
        self, name: str = "eng", books: Mapping[str, Sequence[int]] = SMALL, prefix: str = ""
    ) -> str:
        """Make a canon with these verses per chapter per book; ids are `prefix`gen-1-1."""
        run = self.connection.execute
        run("insert into bible_versions (id, name) values (%s, %s)", [name, name])
        for number, (book, chapters) in enumerate(books.items(), start=1):
            book_id = prefix + book
            run(
                "insert into books (id, name, book_number, bible_version_id, testament)"
                " values (%s, %s, %s, %s, 'old')",
                [book_id, book, number, name],
            )
            for chapter, verses in enumerate(chapters, start=1):
                chapter_id = f"{book_id}-{chapter}"
                run(
                    "insert into chapters (id, chapter_number, book_id, total_verses)"
                    " values (%s, %s, %s, %s)",
                    [chapter_id, chapter, book_id, verses],
                )
                run(
                    "insert into verses (id, verse_number, chapter_id)"
                    " select %s || '-' || n, n, %s from generate_series(1, %s) as n",
                    [chapter_id, chapter_id, verses],
                )
        return name

    def language(self, name: str = "English") -> UUID:
        return self._id("insert into language_entities (name) values (%s) returning id", [name])

    def text_version(
        self, canon: str = "eng", language: UUID | None = None, name: str = "A text"
    ) -> UUID:
        return self._version("text_versions", canon, language, name)

    def audio_version(
        self, canon: str = "eng", language: UUID | None = None, name: str = "A recording"
    ) -> UUID:
        return self._version("audio_versions", canon, language, name)

    def text(self, version: UUID, verses: Iterable[str], text: str | None = "Words.") -> None:
        """Write these verses of a version in one statement."""
        self.connection.execute(
            "insert into verse_texts (text_version_id, verse_id, verse_text)"
            " select %s, v, %s from unnest(%s::text[]) as v",
            [version, text, list(verses)],
        )

    def recording(
        self,
        version: UUID | None,
        *,
        chapter: str | None = None,
        start: str | None = None,
        end: str | None = None,
        upload: str = "completed",
        publish: str = "published",
        media_type: str = "audio",
        is_bible_audio: bool = True,
    ) -> UUID:
        """Add a media file; published Bible audio unless said otherwise."""
        return self._id(
            "insert into media_files (audio_version_id, chapter_id, start_verse_id, end_verse_id,"
            " upload_status, publish_status, media_type, is_bible_audio)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s) returning id",
            [version, chapter, start, end, upload, publish, media_type, is_bible_audio],
        )

    def timings(self, recording: UUID, verses: Iterable[str]) -> None:
        """Add verse timings to a media file in one statement."""
        self.connection.execute(
            "insert into media_files_verses (media_file_id, verse_id)"
            " select %s, v from unnest(%s::text[]) as v",
            [recording, list(verses)],
        )

    def _version(self, table: str, canon: str, language: UUID | None, name: str) -> UUID:
        return self._id(
            f"insert into {table} (bible_version_id, language_entity_id, name)"
            " values (%s, %s, %s) returning id",
            [canon, language or self.language(), name],
        )

    def _id(self, statement: str, parameters: list[object]) -> UUID:
        row = self.connection.execute(statement, parameters).fetchone()  # type: ignore[arg-type]
        assert row is not None
        return row[0]
