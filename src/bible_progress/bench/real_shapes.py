"""Shapes of real versions: which verses texts have, which chapters are recorded."""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError, reason
from .worlds import Shape

FILES = {"text": "text_coverage.csv.gz", "audio": "audio_chapters.csv.gz"}
COLUMNS = {"text": ("translation", "verses"), "audio": ("fileset_id", None)}


def real_shapes(folder: Path, count: int, seed: int) -> dict[str, list[Shape]]:
    """Return at most `count` shapes of each kind, drawn by `seed`, from the tables in `folder`.

    Texts are `book,chapter,verses` by translation, with verses as `1-15 17-31`; recordings are
    `book,chapter` by fileset. Raises InputError for a file that is missing or not so.
    """
    return {kind: _shapes(folder, kind, count, seed) for kind in FILES}


def _shapes(folder: Path, kind: str, count: int, seed: int) -> list[Shape]:
    path = folder / FILES[kind]
    owner, verses = COLUMNS[kind]
    places: dict[str, list[str]] = {}
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                chapter = f"{row['book']}-{row['chapter']}"
                found = [chapter] if verses is None else list(_verses(chapter, row[verses]))
                places.setdefault(row[owner], []).extend(found)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(
            f"cannot read {path}: {reason(error)}", hint="See --data in the help."
        ) from error
    except (KeyError, ValueError, TypeError) as error:
        columns = ", ".join(part for part in ("book", "chapter", owner, verses) if part)
        raise InputError(
            f"{path} is not a table of coverage", hint=f"Its columns are {columns}."
        ) from error
    names = sorted(places)
    random.Random(seed).shuffle(names)
    return [
        Shape(name=name, recorded="listed", places=tuple(places[name])) for name in names[:count]
    ]


def _verses(chapter: str, text: str) -> Iterator[str]:
    for part in text.split():
        first, _, last = part.partition("-")
        for number in range(int(first), int(last or first) + 1):
            yield f"{chapter}-{number}"
