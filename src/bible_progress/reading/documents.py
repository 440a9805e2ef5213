"""What the HTTP API answers with: the shapes of its documents, for its description and its client.

The database writes the documents; nothing here computes. Counts are whole numbers, `percent` is
rounded down so that 100 means nothing is missing (null where there is nothing to cover), durations
are seconds. Names and numbers of books, chapters and verses are null where the host has none.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["audio", "text"]
CoverageStatus = Literal["not started", "in progress", "complete"]


class Shape(BaseModel):
    """A part of a document. The server sends nothing else, of which tests make sure; a client of a
    newer server passes over what it does not know.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


class Document(Shape):
    """What every document says of its own freshness."""

    as_of: datetime = Field(description="Every change that was committed before is counted.")
    pending: bool = Field(description="Whether changes wait to be drained; counted all the same.")


class Testament(Shape):
    testament: str | None = Field(description="As the canon says; null for books of neither.")
    covered_verses: int
    total_verses: int
    percent: int | None
    books_complete: int
    total_books: int


class Chapter(Shape):
    id: str
    number: int | None
    status: CoverageStatus
    covered_verses: int
    total_verses: int
    percent: int | None
    covered: str | None = Field(description="Of a chapter that is begun but not complete: 1-12 15.")
    missing: str | None
    files: int | None = Field(description="Recordings that begin in it; null for texts.")
    duration_seconds: float | None


class Book(Shape):
    id: str
    name: str | None
    number: int | None
    testament: str | None
    status: CoverageStatus
    covered_verses: int
    total_verses: int
    percent: int | None
    chapters_with_any: int
    complete_chapters: int
    total_chapters: int
    files: int | None
    duration_seconds: float | None
    chapters: list[Chapter] | None = Field(description="Null where the depth leaves them out.")


class Counts(Shape):
    """A version and its numbers."""

    kind: Kind
    id: UUID
    name: str | None
    language_entity_id: UUID | None
    language: str | None
    bible_version_id: str | None
    created_at: datetime | None = Field(description="Null too outside of the years 1 to 9999.")
    refreshed_at: datetime | None = Field(description="When stored numbers of it last changed.")
    is_best: bool = Field(description="Whether it is the best of its kind in its language.")
    status: CoverageStatus
    covered_verses: int
    total_verses: int
    percent: int | None
    chapters_with_any: int
    complete_chapters: int
    total_chapters: int
    books_complete: int
    total_books: int
    testaments: list[Testament]


class Tree(Document, Counts):
    """A version with its books and chapters in canon order."""

    canon: str | None
    files: int | None = Field(description="Recordings that count; null for texts.")
    duration_seconds: float | None
    books: list[Book] | None = Field(description="Null where the depth leaves them out.")


class VersionSummary(Counts):
    pending: bool


class VersionList(Document):
    total: int = Field(description="How many match, on all pages.")
    items: list[VersionSummary]
    next_cursor: str | None = Field(description="The cursor of the next page; null at the end.")


class BookList(Document):
    kind: Kind
    version_id: UUID
    items: list[Book]


class ChapterSummary(Shape):
    book_id: str
    id: str
    number: int | None
    status: CoverageStatus
    covered_verses: int
    total_verses: int
    percent: int | None


class ChapterList(Document):
    kind: Kind
    version_id: UUID
    items: list[ChapterSummary]


class Verse(Shape):
    id: str
    number: int | None
    is_covered: bool


class ChapterDetail(Document):
    """A chapter with its verses."""

    kind: Kind
    version_id: UUID
    book_id: str
    book: str | None
    id: str
    number: int | None
    status: CoverageStatus
    covered_verses: int
    total_verses: int
    percent: int | None
    covered: str
    missing: str
    verses: list[Verse]


class Gap(Shape):
    book_id: str
    book: str | None
    chapter_id: str
    number: int | None
    missing_verses: int
    missing: str = Field(description="As people write them: 1-12 15 17-20.")


class GapList(Document):
    """What is missing, one item a chapter, in canon order."""

    kind: Kind
    version_id: UUID
    missing_verses: int = Field(description="In all of the version.")
    next: Gap | None = Field(description="The first thing to do; null where nothing is missing.")
    upcoming: list[Gap] = Field(
        description="The first five things to do, of which `next` is the first: chapters that are "
        "begun, then what follows behind the last of them, then what was passed over."
    )
    items: list[Gap]
    next_cursor: str | None


class ChapterDifference(Shape):
    book_id: str
    chapter_id: str
    only_here_verses: int
    only_here: str
    lacking_verses: int
    lacking: str


class Difference(Shape):
    kind: Kind
    id: UUID
    name: str | None
    covered_verses: int
    total_verses: int
    percent: int | None
    only_here_verses: int = Field(description="Verses that none of the others has.")
    lacking_verses: int = Field(description="Verses that another has and this one lacks.")
    chapters: list[ChapterDifference]


class VersionOfBook(Shape):
    """What one of the versions has of a book."""

    covered_verses: int
    status: CoverageStatus
    percent: int | None
    only_here_verses: int
    lacking_verses: int


class BookComparison(Shape):
    book_id: str
    book: str | None
    number: int | None
    testament: str | None
    total_verses: int
    differing_verses: int = Field(
        description="Verses that some of the versions have and some lack."
    )
    versions: list[VersionOfBook] = Field(description="In the order of the items.")


class Comparison(Document):
    items: list[Difference] = Field(
        description="The versions in the order in which they were named."
    )
    books: list[BookComparison] = Field(description="Of their canon, in its order.")


class ComparedBook(Shape):
    """A row of a comparison as a download: a book of a version."""

    book_id: str
    book: str | None
    number: int | None
    testament: str | None
    total_verses: int
    differing_verses: int
    kind: Kind
    version_id: UUID
    name: str | None
    covered_verses: int
    status: CoverageStatus
    percent: int | None
    only_here_verses: int
    lacking_verses: int


class Day(Shape):
    day: date
    covered_verses: int
    total_verses: int
    percent: int | None
    complete_chapters: int
    total_chapters: int
    books_complete: int
    total_books: int


class History(Document):
    """The state at the end of each UTC day on which something changed."""

    kind: Kind
    version_id: UUID
    items: list[Day]


class BestVersion(Shape):
    kind: Kind
    id: UUID
    name: str | None
    language_entity_id: UUID | None
    reason: str
    versions: int = Field(description="How many cover anything, this one included.")
    status: CoverageStatus
    covered_verses: int
    total_verses: int
    percent: int | None
    testaments: list[Testament]


class Language(Shape):
    id: UUID
    name: str | None
    level: str | None
    parent_id: UUID | None
    parent: str | None
    children: int
    text_versions: int
    audio_versions: int
    best_text: BestVersion | None
    best_audio: BestVersion | None


class LanguageList(Document):
    total: int
    items: list[Language]
    next_cursor: str | None


class LanguageDetail(Document):
    language: Language


class QueuedVersion(Shape):
    kind: str
    version_id: UUID
    name: str | None
    is_deleted: bool = Field(description="Whether the version is not there any more.")
    signals: int
    oldest_at: datetime


class Queue(Shape):
    as_of: datetime
    depth: int
    oldest_seconds: float
    dirty_versions: int
    unsettled_changes: int
    workers: int
    last_drain_at: datetime | None
    items: list[QueuedVersion] = Field(description="The versions that wait longest.")


class FailedVersion(Shape):
    kind: str
    version_id: UUID
    name: str | None
    is_deleted: bool = Field(description="Whether the version is not there any more.")
    attempts: int
    next_attempt_at: datetime
    last_error: str
    failing_since: datetime


class DeadLetterItem(Shape):
    id: UUID
    kind: str
    version_id: UUID
    name: str | None
    is_deleted: bool = Field(description="Whether the version is not there any more.")
    chapter_id: str | None
    enqueued_at: datetime
    died_at: datetime
    attempts: int
    last_error: str


class DeadLetters(Shape):
    as_of: datetime
    failing: list[FailedVersion] = Field(description="The 200 that failed last.")
    items: list[DeadLetterItem]
    next_cursor: str | None


class Refreshed(Shape):
    """What a call of the refresh hook did."""

    drained: int = Field(description="Drains that were done.")
    failed: int
    seconds: float
    remaining: int = Field(description="Versions that still wait.")


class Problem(Shape):
    """An error, as RFC 9457 says; `code` is stable, `detail` is for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str | None = None
    request_id: str
