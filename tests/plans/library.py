"""The shape of the database that plans are looked at in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection

BOOKS, CHAPTERS, VERSES = 24, 12, 20
VERSIONS, NEW_VERSIONS, LANGUAGES = 12, 60, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A session on the filled database, in a transaction that is rolled back."""

    connection: Connection[Any]
    text: UUID
    audio: UUID
    language: UUID
