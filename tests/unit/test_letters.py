"""What searches take for the same letter is what the generator says."""

import unicodedata

import pytest

import generate_letters


def test_the_generated_function_is_current() -> None:
    current = generate_letters.FILE.read_text(encoding="utf-8")
    version = current.splitlines()[0].rpartition("Unicode ")[2].rstrip(".")
    if version != unicodedata.unidata_version:
        pytest.skip(f"generated from Unicode {version}, which this Python does not have")
    assert current == generate_letters.render(), "run tools/generate_letters.py"


def test_each_table_maps_what_decomposition_leaves_to_one_character() -> None:
    for table in generate_letters.tables():
        for letter, plain in table.items():
            assert len(letter) == len(plain) == 1
            assert ord(letter) > 127
            assert letter != plain
