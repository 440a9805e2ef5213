"""The demo's world: real public-domain texts, sample recordings, and edits to watch.

The texts are real, of different completeness. The recordings are made up and say so: whole
chapters, verse ranges and verse timings.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import scalar_row, tuple_row

from .. import sql
from ..db import translated
from ..errors import UsageError
from ..importers.canon import load_canon, packaged_canon
from .sample_bibles import SAMPLE_TEXTS, read_verses

CANON = "eng-protestant"
GIVE_UP_SECONDS = 30.0

_QUERIES = sql.queries("demo")


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleAudio:
    """A made-up recording: `query` writes its files for books `first_book` to `last_book`."""

    name: str
    language: str
    query: str
    first_book: int
    last_book: int


SAMPLE_AUDIO = (
    SampleAudio(
        name="Sample: whole chapters",
        language="English",
        query="record_chapters",
        first_book=1,
        last_book=8,
    ),
    SampleAudio(
        name="Sample: verse ranges",
        language="Swahili",
        query="record_ranges",
        first_book=40,
        last_book=66,
    ),
    SampleAudio(
        name="Sample: verse timings",
        language="Swahili",
        query="record_timings",
        first_book=40,
        last_book=43,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a live edit did to one version; `lag_seconds` from its commit to fresh numbers."""

    what: str
    version: str
    verses_before: int
    verses_after: int
    books_before: int
    books_after: int
    lag_seconds: float


class Demo:
    """Fills and edits one installed database through one autocommit connection."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        self._languages: dict[str, UUID] = {}
        self._versions: dict[str, tuple[str, UUID]] = {}

    def load(self, progress: Callable[[str, int, int], None]) -> None:
        """Load canon, texts and recordings; `progress` gets (what, steps done, steps in all)."""
        steps = 1 + len(SAMPLE_TEXTS) + len(SAMPLE_AUDIO)
        with translated():
            progress("canon", 0, steps)
            load_canon(
                self.connection,
                packaged_canon(),
                bible_version_id=CANON,
                name="English Protestant",
            )
            for done, sample in enumerate(SAMPLE_TEXTS, start=1):
                progress(sample.title, done, steps)
                version = self._add("text", sample.title, sample.language)
                cursor = self.connection.cursor()
                with cursor, cursor.copy(_QUERIES["copy_texts"]) as copy:
                    for verse_id, text in read_verses(sample):
                        copy.write_row((version, verse_id, text, "published"))
            for done, audio in enumerate(SAMPLE_AUDIO, start=1 + len(SAMPLE_TEXTS)):
                progress(audio.name, done, steps)
                version = self._add("audio", audio.name, audio.language)
                self.connection.execute(
                    _QUERIES[audio.query],
                    {
                        "version": version,
                        "canon": CANON,
                        "first_book": audio.first_book,
                        "last_book": audio.last_book,
                    },
                )
            # Autovacuum would do it within a minute; plans made before it know nothing of the rows.
            self.connection.execute(_QUERIES["analyze"])
            progress("done", steps, steps)

    def edits(self) -> Iterator[Edit]:
        """Edit one chapter at a time and yield what changed once the numbers are fresh."""
        texts = [sample.title for sample in SAMPLE_TEXTS]
        whole, partial = texts[0], texts[-1]
        recording = SAMPLE_AUDIO[0].name
        yield from self._edit(
            "delete John 3", "delete_chapter", {"chapter": "john-3"}, [("text", whole)]
        )
        yield from self._edit(
            "publish a recording of 1 Samuel 1",
            "publish_chapter",
            {"chapter": "1sam-1"},
            [("audio", recording)],
        )
        yield from self._edit(
            "move Genesis 1 to another version",
            "move_chapter",
            {"chapter": "gen-1", "other": self._versions[partial][1]},
            [("text", texts[1]), ("text", partial)],
        )

    def _edit(
        self,
        what: str,
        query: str,
        parameters: dict[str, object],
        watched: list[tuple[str, str]],
    ) -> Iterator[Edit]:
        with translated():
            before = [self._summary(name) for _, name in watched]
            self.connection.execute(
                _QUERIES[query], {**parameters, "version": self._versions[watched[0][1]][1]}
            )
            committed = time.perf_counter()
            for (_, name), (verses_before, books_before) in zip(watched, before, strict=True):
                self._wait_until_clean(name)
                lag = time.perf_counter() - committed
                verses_after, books_after = self._summary(name)
                yield Edit(
                    what=what,
                    version=name,
                    verses_before=verses_before,
                    verses_after=verses_after,
                    books_before=books_before,
                    books_after=books_after,
                    lag_seconds=lag,
                )

    def _wait_until_clean(self, name: str) -> None:
        kind, version = self._versions[name]
        until = time.monotonic() + GIVE_UP_SECONDS
        with self.connection.cursor(row_factory=scalar_row) as cursor:
            while not cursor.execute(
                _QUERIES["is_clean"], {"kind": kind, "version": version}
            ).fetchone():
                if time.monotonic() > until:
                    raise UsageError(
                        f"{name} is still waiting after {GIVE_UP_SECONDS:g} s",
                        hint="Does a worker drain this database? See bible-progress status.",
                    )
                time.sleep(0.0005)

    def _summary(self, name: str) -> tuple[int, int]:
        kind, version = self._versions[name]
        with self.connection.cursor(row_factory=tuple_row) as cursor:
            row = cursor.execute(_QUERIES["summary"], {"kind": kind, "version": version}).fetchone()
        return (row[0], row[1]) if row else (0, 0)

    def _add(self, kind: str, name: str, language: str) -> UUID:
        if language not in self._languages:
            self._languages[language] = self._insert("add_language", name=language)
        version = self._insert(
            f"add_{kind}_version", language=self._languages[language], canon=CANON, name=name
        )
        self._versions[name] = (kind, version)
        return version

    def _insert(self, query: str, **parameters: object) -> UUID:
        with self.connection.cursor(row_factory=scalar_row) as cursor:
            cursor.execute(_QUERIES[query], parameters)
            row: Any = cursor.fetchone()
        return row


def refuse_used_database(connection: Connection[Any]) -> None:
    """Raise UsageError unless schema public is empty: the demo writes sample content."""
    with translated(), connection.cursor(row_factory=scalar_row) as cursor:
        if not cursor.execute(_QUERIES["is_empty"]).fetchone():
            raise UsageError(
                "the demo writes sample content and wants an empty database, this one has tables",
                hint="Unset DATABASE_URL to run it on an embedded PostgreSQL.",
            )
